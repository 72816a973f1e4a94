import logging
import sys
import warnings

logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(lineno)d:%(message)s")
log = logging.getLogger("app")

def divide(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        log.exception("cannot divide %d by %d", a, b)
        return None

log.debug("not shown")
log.info("starting with %s", ["x"])
print(divide(6, 3), divide(1, 0))
warnings.warn("this is old", DeprecationWarning)
warnings.warn("be careful")
print("to stderr", file=sys.stderr)
sys.stderr.write("no line end")
print(log.getEffectiveLevel(), log.handlers, logging.getLevelName(30))
