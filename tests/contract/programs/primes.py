from math import isqrt

def sieve(n):
    flags = bytearray([1]) * (n + 1)
    flags[0:2] = b"\0\0"
    for i in range(2, isqrt(n) + 1):
        if flags[i]:
            flags[i * i::i] = bytes(len(range(i * i, n + 1, i)))
    return [i for i, flag in enumerate(flags) if flag]

def factors(n):
    found, d = {}, 2
    while d * d <= n:
        while n % d == 0:
            found[d] = found.get(d, 0) + 1
            n //= d
        d += 1
    if n > 1:
        found[n] = 1
    return found

primes = sieve(50_000)
print(len(primes), primes[:10], primes[-3:], sum(primes))
print(factors(2**5 * 3**2 * 1009), factors(600851475143))
print([p for p in primes if p < 200 and p + 2 in primes])
collatz = max(range(1, 3000), key=lambda n: (lambda f, n: f(f, n, 0))(lambda f, n, k: k if n == 1 else f(f, n // 2 if n % 2 == 0 else 3 * n + 1, k + 1), n))
print(collatz)
len(primes)
