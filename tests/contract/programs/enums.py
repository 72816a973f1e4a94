from enum import Enum, Flag, IntEnum, StrEnum, auto, unique

class Colour(Enum):
    RED = 1
    GREEN = 2
    CRIMSON = 1

    @property
    def pretty(self):
        return self.name.title()

class Perm(Flag):
    R = auto()
    W = auto()
    X = auto()
    RW = R | W

class Level(IntEnum):
    LOW = 1
    HIGH = 10

class Mode(StrEnum):
    READ = auto()

print(list(Colour), Colour.CRIMSON, Colour(2), Colour["RED"].pretty, Colour.RED is Colour.CRIMSON, Colour.__members__)
print(Perm.R | Perm.X, Perm.RW, Perm.RW & Perm.W, Perm(0), ~Perm.R, list(Perm.RW), Perm.R in Perm.RW)
print(Level.HIGH > 5, f"{Level.LOW} {Mode.READ!r} {Mode.READ}", Level.LOW + 1, sorted([Level.HIGH, Level.LOW]))
for bad in (lambda: Colour(9), lambda: Colour["BLUE"], lambda: setattr(Colour, "RED", 5)):
    try:
        bad()
    except (ValueError, KeyError, AttributeError) as error:
        print(type(error).__name__, error)
try:
    @unique
    class Twice(Enum):
        A = 1
        B = 1
except ValueError as error:
    print(error)
Colour.GREEN
