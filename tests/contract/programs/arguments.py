import argparse

parser = argparse.ArgumentParser(prog="tool", description="Copies things.")
parser.add_argument("source", help="where from")
parser.add_argument("-n", "--count", type=int, default=1, metavar="N", help="how often (default: %(default)s)")
parser.add_argument("--mode", choices=["fast", "safe"], default="safe")
parser.add_argument("-v", action="count", default=0)
print(parser.parse_args(["a.txt", "-n", "3", "-vv"]))
parser.print_help()
parser.parse_args(["a.txt", "--count", "many"])
