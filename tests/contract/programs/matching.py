from dataclasses import dataclass

@dataclass
class Num:
    value: float

@dataclass
class Op:
    sign: str
    left: object
    right: object

def evaluate(node):
    match node:
        case Num(value):
            return value
        case Op("+", left, right):
            return evaluate(left) + evaluate(right)
        case Op("*", Num(0), _) | Op("*", _, Num(0)):
            return 0
        case Op("*", left, right):
            return evaluate(left) * evaluate(right)
        case Op(sign):
            raise ValueError(f"unknown operator {sign}")

def describe(x):
    match x:
        case None: return "nothing"
        case bool(): return "bool"
        case int() | float() as n if n < 0: return f"negative {n}"
        case [] | (): return "empty"
        case [only]: return f"one: {only}"
        case [first, *_, last]: return f"{first}..{last}"
        case {"type": "user", "name": str(name), **rest}: return f"user {name} {rest}"
        case str() as s: return f"text of {len(s)}"
        case _: return f"other {type(x).__name__}"

print(evaluate(Op("+", Num(2), Op("*", Num(3), Num(4)))), evaluate(Op("*", Num(0), None)))
for x in (None, True, -1.5, [], [7], [1, 2, 3], {"type": "user", "name": "Al", "id": 1}, "héllo", {"a": 1}, 3):
    print(describe(x))
try:
    evaluate(Op("/", Num(1), Num(2)))
except ValueError as error:
    print(error)
evaluate(Op("+", Num(0.5), Num(1)))
