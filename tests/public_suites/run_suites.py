"""Runs Velaria's readers and SQL over public suites and compares with what the suites expect.

    ./scripts/run_public_suites.sh [--suites A,B]

Prints the counts of each suite; ends with 1 when a case deviates that is not listed, or one that is
listed does not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import csv_spectrum
import encodings_of_texts
import json_parsing
import postgres
import regular_expressions
from suite_cases import judge, known_deviations

SUITES = {
    "csv_spectrum": csv_spectrum.cases,
    "encodings_of_texts": encodings_of_texts.cases,
    "json_parsing": json_parsing.cases,
    "regular_expressions": regular_expressions.cases,
    "postgres": postgres.cases,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what fetch_public_suites.sh made")
    parser.add_argument("--suites", help="names with commas between (default: all)")
    options = parser.parse_args()
    failed = False
    for name in options.suites.split(",") if options.suites else SUITES:
        if name not in SUITES:
            parser.error(f"there is no suite '{name}'; there are {', '.join(SUITES)}")
        judgement = judge(name, SUITES[name](options.folder / name), known_deviations(name))
        print("\n".join(judgement.lines), flush=True)
        failed = failed or judgement.failed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
