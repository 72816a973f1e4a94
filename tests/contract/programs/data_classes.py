from dataclasses import dataclass, field, asdict, replace, astuple, fields, FrozenInstanceError

@dataclass(order=True)
class Item:
    price: float
    name: str = field(compare=False)
    tags: list[str] = field(default_factory=list, repr=False)

    def __post_init__(self):
        if self.price < 0:
            raise ValueError(f"price of {self.name} is negative: {self.price}")

@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0

items = [Item(3.5, "pen", ["blue"]), Item(1.25, "clip"), Item(12, "book")]
print(sorted(items), max(items).name, asdict(items[0]), astuple(items[1]))
p = Point(1)
print(p, replace(p, y=5), p == Point(1, 0), {p: "origin-ish"}, [f.name for f in fields(Point)])
for action in (lambda: Item(-1, "x"), lambda: setattr(p, "x", 2), lambda: Item()):
    try:
        action()
    except (ValueError, TypeError, FrozenInstanceError) as error:
        print(type(error).__name__, "-", error)
p
