from decimal import Decimal, getcontext, ROUND_HALF_UP, ROUND_DOWN, localcontext, InvalidOperation, DivisionByZero
from fractions import Fraction
import math

print(Decimal("0.1") + Decimal("0.2"), 0.1 + 0.2, Decimal(0.1))
getcontext().prec = 28
print(Decimal(1) / Decimal(7), Decimal("2").sqrt(), Decimal("1e3").normalize(), Decimal("-0"))
print(Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_UP), Decimal("9.999").quantize(Decimal("1.0"), ROUND_DOWN))
with localcontext() as ctx:
    ctx.prec = 5
    print(Decimal("1") / 3, repr(+Decimal("123456789")))
for bad in (lambda: Decimal("x"), lambda: Decimal(1) / 0, lambda: Decimal("sNaN") + 1):
    try:
        bad()
    except (InvalidOperation, DivisionByZero) as error:
        print(type(error).__name__, error)
print(f"{Decimal('1234567.891'):,.2f}", Decimal("5E-10"), Decimal("Infinity") > 1, Decimal("10").log10())
print(sum(Fraction(1, n) for n in range(1, 6)), Fraction("0.125"), Fraction(3.14159).limit_denominator(1000))
print(math.gcd(84, 36), math.comb(50, 25), math.isqrt(10**20), math.fsum([0.1] * 10), round(2.5), round(-3.5), round(2.675, 2))
str(Fraction(22, 7))
