from __future__ import annotations
from abc import ABC, abstractmethod
from typing import Generic, Literal, NamedTuple, Optional, Protocol, TypedDict, TypeVar, get_type_hints, runtime_checkable

T = TypeVar("T")

class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []
    def push(self, item: T) -> Stack[T]:
        self.items.append(item)
        return self
    def pop(self) -> Optional[T]:
        return self.items.pop() if self.items else None
    def __len__(self): return len(self.items)
    def __contains__(self, item): return item in self.items

class Reader(ABC):
    @abstractmethod
    def read(self) -> str: ...

@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...

class Employee(NamedTuple):
    name: str
    id: int = 3

class Movie(TypedDict, total=False):
    title: str

class Pair[A, B]:
    def __init__(self, a: A, b: B): self.a, self.b = a, b

type Names = list[str]
s = Stack[int]().push(1).push(2)
print(s.pop(), len(s), 1 in s, Stack[int], Employee("x"), Movie(title="t"), Names, Pair[int, str], isinstance(open, Closes))
def f(a: int, b: Literal["x"] = "x") -> dict[str, int]: ...
print(f.__annotations__, get_type_hints(f), int | None, Optional[int], list[int])
try:
    Reader()
except TypeError as error:
    print(error)
s.items
