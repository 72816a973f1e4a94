import random

random.seed(42)
print(random.random(), random.randint(1, 100), random.choice("abcdef"), random.sample(range(100), 5))
deck = [f"{rank}{suit}" for suit in "♠♥" for rank in "A23"]
random.shuffle(deck)
print(deck, random.uniform(1, 2), random.gauss(0, 1), random.choices(["x", "y"], weights=[9, 1], k=6))
own = random.Random("text seed")
print(own.getrandbits(40), own.betavariate(2, 3), own.randrange(0, 1000, 7), own.expovariate(0.5))
inside = sum(own.random() ** 2 + own.random() ** 2 <= 1 for _ in range(20000))
print(4 * inside / 20000)
print(random.Random(7).randbytes(6).hex(), random.Random(0).triangular(), random.Random(1).binomialvariate(10, 0.3))
