import traceback

class AppError(Exception):
    def __init__(self, message, code):
        super().__init__(message)
        self.code = code

def risky(kind):
    try:
        if kind == 0: return 1 / 0
        if kind == 1: return [][3]
        if kind == 2: return {}["k"]
        if kind == 3: return int("x1")
        if kind == 4: return None.foo
        if kind == 5: return "a" + 1
        if kind == 6: return undefined_name
        if kind == 7: raise AppError("custom", 42)
        if kind == 8: assert kind == 0, "kind is not zero"
        if kind == 9: from math import nothing
        if kind == 10: a, b = [1, 2, 3]
        if kind == 11: return len(5)
    finally:
        print("finally", kind, end=": ")

for kind in range(12):
    try:
        risky(kind)
    except AppError as error:
        print(error, error.code, error.args)
    except Exception as error:
        print(type(error).__name__, error)
try:
    try:
        risky(0)
    except ZeroDivisionError as error:
        raise AppError("wrapped", 1) from error
except AppError as error:
    print()
    print(traceback.format_exc())
    print(repr(error.__cause__), traceback.extract_tb(error.__traceback__)[0].lineno)
