import re

log = """2026-01-02 10:00:01 ERROR [db] connection lost (code=17)
2026-01-02 10:00:05 INFO [web] GET /index.html 200
2026-01-02 10:01:00 ERROR [web] timeout (code=3)"""
pattern = re.compile(r"^(?P<day>\S+) (?P<time>[\d:]+) (?P<level>[A-Z]+) \[(?P<unit>\w+)\] (?P<rest>.*)$", re.M)
for m in pattern.finditer(log):
    print(m.groupdict(), m.span("rest"))
print(re.sub(r"code=(\d+)", lambda m: f"code={int(m[1]) * 2}", log).splitlines()[0])
print(re.split(r"\s*[,;]\s*", "a , b;c,d"), re.findall(r"(?<=\[)\w+(?=\])", log))
print(re.fullmatch(r"(a+)(?:b|c)?", "aab"), re.match(r"x", "y"), re.escape("a.b*c"))
print(re.sub(r"(?i)(?P<w>error)", r"<\g<w>>", "Error error", count=1), re.compile("ab|c", re.I | re.X))
try:
    re.compile(r"(unclosed")
except re.error as error:
    print(error, error.pos, type(error))
[m["unit"] for m in pattern.finditer(log)]
