"""`python -m benchmarks [--quick] [PART…]`: run the benchmarks, print one table, keep docs/performance.md up to date.

A quick run says whether they work, not how fast anything is: it leaves the page as it was.
"""

import argparse
from importlib import import_module

from benchmarks import report
from benchmarks.common import Result, print_table, shown

PARTS = (
    "generate",
    "import",
    "summaries",
    "archive",
    "small_runs",
    "large",
    "dashboard",
    "up",
    "commands",
    "sizes",
    "versions",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the benchmarks and print one table.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, not how fast is it")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which ones (default: all)")
    arguments = parser.parse_args()
    results: list[Result] = []
    for part in arguments.parts or PARTS:
        print(f"benchmark: {part}", flush=True)
        where = report.started()
        measured = shown(import_module(f"benchmarks.bench_{part}").run(arguments.quick))
        if measured and not arguments.quick:
            report.keep(part, where, measured)
        results += measured
    print_table("Benchmarks", results)


if __name__ == "__main__":
    main()
