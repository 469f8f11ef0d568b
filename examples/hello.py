"""Greets whom it is told to: the Python sample action."""

import sys


def main(args):
    name = args.get("name", "stranger")
    print(f"greeting {name}")
    print("this line goes to stderr", file=sys.stderr)
    return {"greeting": f"Hello, {name}!"}
