import textwrap
from string import Template, capwords, punctuation, Formatter

text = "The sandbox keeps what it runs apart from all else, and it says afterwards what the code did with its time and memory."
print(textwrap.fill(text, 40, initial_indent="* ", subsequent_indent="  "))
print(textwrap.shorten(text, 50, placeholder="..."))
print(textwrap.dedent("""
    def f():
        return 1
""").strip())
print(textwrap.indent("a\n\nb", "> "))
print(Template("$who owes $$${amount}").substitute(who="Ann", amount=5), capwords("hello wide  world"))
try:
    Template("$missing").substitute()
except KeyError as error:
    print("KeyError", error)
print([part for part in Formatter().parse("a{x!r:>5}b{{")], len(punctuation))
print("Tab\tstop".expandtabs(8), "a,b,,c".split(","), "  x y ".split(), "ab\ncd\r\n".splitlines(True))
print("hello".center(11, "*"), "x".ljust(3) + "|", "7".zfill(3), "title case".title(), "swap".swapcase(), "aXbX".rpartition("X"))
textwrap.wrap(text, 60)
