#!/usr/bin/env python3
"""Loads demo data into a running stack: demo_data.py --stack var/stack.json. scripts/up calls it.

Invented producers, packers, exporters, certifiers and buyers of Mexican avocado and berries, and a year of their lots.
What it adds to stack.json: one account a role, and a lot with a full history. A second run changes nothing.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from demo.loader import Loader
from services import Failure
from stack import read_json, write_private


def parse(argv):
    parser = argparse.ArgumentParser(prog="demo_data.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=Path, required=True, metavar="STACK.json", help="written by scripts/up")
    parser.add_argument("--agrobridge", type=Path, metavar="PATH",
                        help="the program (default: build/agrobridge beside STACK.json)")
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    begun = time.monotonic()
    stack = read_json(options.stack)
    if not stack:
        print(f"demo_data.py: there is no {options.stack}: run scripts/up first", file=sys.stderr)
        return 1
    try:
        gained = Loader(stack, options.agrobridge or options.stack.parent / "build/agrobridge").run()
        write_private(options.stack, read_json(options.stack) | gained)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"demo_data.py: {failure}", file=sys.stderr)
        return 1
    print(f"demo data is there, {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
