from datetime import date

name, value, rows = "Ada", 1234567.891, [("apples", 3, 0.5), ("pears", 12, 1.25)]
print(f"{name!r:>8}|{value:,.2f}|{value:e}|{value:10.3g}|{42:08b}|{255:#x}|{-5:+d}|{0.256:.1%}|{name:^9}|{'x':*<4}")
print(f"{value=:.1f} {name.upper()=} {len(rows)=}", f"{'nested':>{5 + 5}}", f"{date(2026, 1, 2):%d.%m.%y}", f"{{}}")
print("%s has %d items at %.2f (%5s|%-5s|%05d|%x) %%" % (name, 3, 2.5, "r", "l", 42, 255))
print("{0} {1} {0} {k[0]} {d.year}".format("a", "b", k=[1], d=date(2026, 1, 2)))
for fruit, n, price in rows:
    print(f"{fruit:<10}{n:>4}{price:>8.2f}{n * price:>10.2f}")
print("-" * 32)
print(f"{sum(n * p for _, n, p in rows):>32.2f}")
print("a", "b", sep="-", end="!\n")
print(1, None, True, 1.0, 1e3, "s", b"b", [1, "x"], (1,), {"k": {1}}, set(), frozenset([1]), ..., range(3), 3j)
print(repr("it's"), repr('both " and \''), repr("tab\t nl\n nul\0 é \x7f \u200b"), ascii("é🎉"), str(b"\xff\x00a"))
print(f"{1_000_000:_} {3.0} {3.10:g} {1e-10} {10**20:.3e} {True:d} {'é':>3}")
for bad in ("{:d}", "{x}", "{0} {}"):
    try:
        bad.format("s")
    except (ValueError, KeyError) as error:
        print(type(error).__name__, error)
"%(a)s" % {"a": 1}
