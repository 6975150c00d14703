"""`python -m benchmarks [--quick] [PART…]`: run the benchmarks and print one table."""

import argparse
from importlib import import_module

from benchmarks.common import Result, print_table

PARTS = ("generate", "import", "summaries", "archive", "dashboard")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the benchmarks and print one table.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, not how fast is it")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which ones (default: all)")
    arguments = parser.parse_args()
    results: list[Result] = []
    for part in arguments.parts or PARTS:
        print(f"benchmark: {part}", flush=True)
        results += import_module(f"benchmarks.bench_{part}").run(arguments.quick)
    print_table("Benchmarks", results)


if __name__ == "__main__":
    main()
