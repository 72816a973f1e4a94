def check(n):
    if n % 2:
        raise ValueError(f"{n} is odd")
    if n > 4:
        error = TypeError(f"{n} is large")
        error.add_note("try a smaller one")
        raise error
    return n

errors, passed = [], []
for n in range(7):
    try:
        passed.append(check(n))
    except (ValueError, TypeError) as error:
        errors.append(error)
print(passed, len(errors))
try:
    raise ExceptionGroup("some", errors)
except* TypeError as group:
    print("types:", group.exceptions)
except* ValueError as group:
    print("values:", [str(e) for e in group.exceptions])
raise ExceptionGroup("checks failed", errors)
