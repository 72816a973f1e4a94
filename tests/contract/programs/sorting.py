import bisect
import heapq
from operator import attrgetter, itemgetter

people = [("Zoë", 31), ("adam", 25), ("Bob", 31), ("Ève", 25)]
print(sorted(people), sorted(people, key=itemgetter(1)), sorted(people, key=lambda p: (-p[1], p[0].casefold())))
print(sorted([3, 1, 2], reverse=True), sorted("bBaA"), sorted([1.5, True, 0]), sorted({"b": 1, "a": 2}))
heap = [5, 2, 8, 1]
heapq.heapify(heap)
heapq.heappush(heap, 0)
print([heapq.heappop(heap) for _ in range(len(heap))], heapq.nlargest(2, people, key=itemgetter(1)), list(heapq.merge([1, 4], [2, 3])))
grades = [bisect.bisect([60, 70, 80, 90], score) for score in (33, 60, 77, 99)]
print(["FDCBA"[g] for g in grades])

def quicksort(xs):
    if len(xs) <= 1:
        return xs
    pivot, *rest = xs
    return quicksort([x for x in rest if x < pivot]) + [pivot] + quicksort([x for x in rest if x >= pivot])

print(quicksort([3, 6, 1, 8, 2, 9, 2]))
try:
    sorted([1, "a", None])
except TypeError as error:
    print(error)
class Card:
    def __init__(self, n): self.n = n
print([c.n for c in sorted(map(Card, [3, 1, 2]), key=attrgetter("n"))])
sorted(people, key=itemgetter(1, 0))
