def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]

def determinant(m):
    if len(m) == 1:
        return m[0][0]
    return sum((-1) ** j * m[0][j] * determinant([row[:j] + row[j + 1:] for row in m[1:]]) for j in range(len(m)))

def show(m):
    widths = [max(len(f"{v}") for v in column) for column in zip(*m)]
    for row in m:
        print("[" + " ".join(f"{v:>{w}}" for v, w in zip(row, widths)) + "]")

a = [[1, 2, 3], [0, -4, 5], [10, 0, 1]]
identity = [[int(i == j) for j in range(3)] for i in range(3)]
show(multiply(a, a))
print(multiply(a, identity) == a, determinant(a), list(map(list, zip(*a))))
grid = [["."] * 5 for _ in range(3)]
grid[1][2] = "#"
print("\n".join("".join(row) for row in grid))
spiral, rest = [], [row[:] for row in a]
while rest:
    spiral += rest.pop(0)
    rest = [list(row) for row in zip(*rest)][::-1]
print(spiral, a[-1][::-1], a[:2], [row[1] for row in a], sum(map(sum, a)))
aliased = [[0] * 2] * 2
aliased[0][0] = 1
print(aliased)
a
