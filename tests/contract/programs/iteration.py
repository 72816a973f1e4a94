import itertools as it
import operator
from functools import reduce

print(list(it.chain.from_iterable([[1, 2], [3], []])), list(it.accumulate([1, 2, 3, 4], operator.mul)))
print(list(it.combinations("abc", 2)), list(it.permutations([1, 2, 3], 2))[:4], list(it.product("ab", repeat=2)))
for key, group in it.groupby(sorted(["apple", "bob", "cat", "avocado", "cherry"]), key=lambda w: w[0]):
    print(key, list(group))
print(list(it.islice(it.count(10, 5), 4)), list(it.takewhile(lambda x: x < 3, it.cycle([1, 2, 3]))))
print(list(it.zip_longest("ab", "xyz", fillvalue="-")), list(it.pairwise("wxyz")), list(it.batched(range(7), 3)))
print(list(it.compress("ABCD", [1, 0, 1, 0])), list(it.starmap(pow, [(2, 5), (3, 2)])), list(it.dropwhile(str.isupper, "ABcD")))
a, b = it.tee(range(3))
print(next(a), list(b), list(a), reduce(lambda x, y: x * 10 + y, [1, 2, 3], 0))
print(list(enumerate("xy", start=1)), list(zip(range(3), "abc", strict=True)), list(map(max, [1, 5], [4, 2])))
print(any(x > 3 for x in range(5)), all([]), sum([0.1] * 10), min("hello"), list(reversed(range(0, 10, 3))))
list(it.repeat("z", 3))
