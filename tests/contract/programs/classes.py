import functools

class Shape:
    registry = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.registry.append(cls.__name__)

    @property
    def area(self):
        raise NotImplementedError(f"{type(self).__name__}.area")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

@functools.total_ordering
class Square(Shape):
    def __init__(self, side): self.side = side
    @property
    def area(self): return self.side ** 2
    @area.setter
    def area(self, value): self.side = value ** 0.5
    def __eq__(self, other): return self.side == other.side
    def __lt__(self, other): return self.side < other.side
    def __add__(self, other): return Square(self.side + other.side)
    def __getattr__(self, name): return f"<no {name}>"

class Odd(Shape): pass

s = Square(3)
s.area = 16
print(s, s.area, s + Square(1), s >= Square(2), sorted([Square(2), Square(1)]), s.colour, Shape.registry)
print(Square.__mro__, isinstance(s, Shape), callable(Square), type(Square.area))
try:
    Odd().area
except NotImplementedError as error:
    print(repr(error))
try:
    Odd().missing
except AttributeError as error:
    print(error)
try:
    hash(s)
except TypeError as error:
    print(error)
s
