"""How every benchmark here is run: answers checked first, several runs, the median.

A benchmark file makes a list of cases; a case is one question asked of several engines over the
same data. All engines answer in one process and one run, in turns, so that a slow moment of the
machine hits all of them. The answer of every engine must equal the first engine's before anything
is timed.

    cases = [Case("sum by id1", {"velaria": f, "duckdb": g})]
    main("group by, 10 million rows", cases)
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pyarrow as pa

Engine = Callable[[], Any]  # gives a pyarrow.Table


@dataclass
class Case:
    """One question. `engines` maps an engine's name to a function that answers it."""

    name: str
    engines: dict[str, Engine]
    sort_by: list[str] = field(default_factory=list)  # columns that make the rows comparable
    ordered_by: list[str] = field(default_factory=list)  # columns that come in the question's order
    float_tolerance: float = 1e-9  # relative; engines add floats in different orders
    decimal_units: int = 0  # of the last place that both have; some engines cut where others round
    peers_may_refuse: bool = False  # a peer that does not take the question is left out of it


def in_order_of(names: list[str], table: Any) -> Any:
    """The same columns in the order of `names`: engines see that of a JSON file differently."""
    return table.select(names) if sorted(table.column_names) == sorted(names) else table


def sorted_rows(table: Any, sort_by: list[str]) -> list[tuple[Any, ...]]:
    names = table.column_names
    rows = list(zip(*[column.to_pylist() for column in table.columns]))
    # Not by floats, which may differ in their last digits, unless that was asked for.
    keys = [names.index(name) for name in sort_by] or [
        i for i, field in enumerate(table.schema) if not pa.types.is_floating(field.type)
    ]
    return sorted(rows, key=lambda row: [(row[k] is None, row[k]) for k in keys])


def same_value(a: Any, b: Any, case: Case) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        tolerance = case.float_tolerance
        return a is not None and b is not None and math.isclose(a, b, rel_tol=tolerance)
    if isinstance(a, Decimal) and isinstance(b, Decimal) and case.decimal_units:
        places = max(int(x.as_tuple().exponent) for x in (a, b))
        return abs(a - b) <= case.decimal_units * Decimal(1).scaleb(places)
    return bool(a == b)


# Larger answers are compared as columns: as Python objects, four of them would not fit into memory.
MOST_VALUES_AS_OBJECTS = 1_000_000


def leave_out_who_refuses(case: Case, ours: str) -> None:
    """Takes the peers that raise out of the case; ours has to answer."""
    for name, run in list(case.engines.items()):
        if name == ours:
            continue
        try:
            run()
        except KeyboardInterrupt:
            raise
        except BaseException:  # Polars panics on some queries, which is no Exception
            del case.engines[name]


def in_plain_columns(table: Any) -> Any:
    """Whole columns, all texts of one type, so that they can be sorted and compared."""
    columns = [column.combine_chunks() for column in table.columns]
    texts = [pa.types.is_large_string(c.type) or pa.types.is_string_view(c.type) for c in columns]
    columns = [c.cast(pa.string()) if t else c for c, t in zip(columns, texts)]
    return pa.table(columns, names=table.column_names)


def sorted_table(table: Any, case: Case) -> Any:
    # Not by floats, which may differ in their last digits, unless that was asked for.
    keys = case.sort_by or [f.name for f in table.schema if not pa.types.is_floating(f.type)]
    return table.sort_by([(key, "ascending") for key in keys])


def first_difference(mine: Any, wanted: Any, case: Case) -> str | None:
    """Where two tables of the same length differ: the values of both, the column and the row."""
    for name in wanted.column_names:
        left, right = mine[name], wanted[name]
        if pa.types.is_floating(left.type):
            same = np.isclose(left, right, rtol=case.float_tolerance, atol=0, equal_nan=True)
        else:
            left = left.cast(right.type)
            if left.equals(right):
                continue
            same = left.to_numpy() == right.to_numpy()
        if not same.all():
            row = int(np.argmin(same))
            return f"{left[row]} instead of {right[row]} in {name} of sorted row {row}"
    return None


def check_large_answers(case: Case, reference: Any) -> None:
    """`reference` is the first engine's answer."""
    reference_name, *others = case.engines
    reference = in_plain_columns(reference)
    in_order = None
    for name in others:
        table = in_plain_columns(in_order_of(reference.column_names, case.engines[name]()))
        if len(table) != len(reference):
            sys.exit(
                f"{case.name}: {name} gives {len(table)} rows, {reference_name} {len(reference)}"
            )
        if first_difference(table, reference, case) is None:
            continue  # in the same order even
        if in_order is None:
            in_order = sorted_table(reference, case)
        difference = first_difference(sorted_table(table, case), in_order, case)
        if difference:
            sys.exit(f"{case.name}: {name}, beside {reference_name}, gives {difference}")


def check_order(case: Case) -> None:
    """Rows with equal keys may come in any order, so only the keys are compared as they come."""
    reference = None
    for name, run in case.engines.items():
        table = run().select(case.ordered_by)
        keys = [
            column.cast(pa.large_string())
            if pa.types.is_string(column.type) or pa.types.is_string_view(column.type)
            else column
            for column in table.columns
        ]
        if reference is None:
            reference = keys
        elif not all(mine.equals(wanted) for mine, wanted in zip(keys, reference)):
            sys.exit(f"{case.name}: {name} gives another order of {', '.join(case.ordered_by)}")


def check_answers(case: Case) -> None:
    """Ends the program when an engine's answer differs from the first engine's."""
    if case.ordered_by:
        check_order(case)
    first = next(iter(case.engines.values()))()
    if first.num_rows * first.num_columns > MOST_VALUES_AS_OBJECTS:
        check_large_answers(case, first)
        return
    names = first.column_names
    answers = {
        name: sorted_rows(in_order_of(names, run()), case.sort_by)
        for name, run in case.engines.items()
    }
    reference_name, reference = next(iter(answers.items()))
    for name, rows in answers.items():
        if len(rows) != len(reference):
            sys.exit(
                f"{case.name}: {name} gives {len(rows)} rows, {reference_name} {len(reference)}"
            )
        for mine, wanted in zip(rows, reference):
            if not all(same_value(x, y, case) for x, y in zip(mine, wanted)):
                sys.exit(f"{case.name}: {name} gives {mine}, {reference_name} {wanted}")


def time_case(case: Case, runs: int) -> dict[str, list[float]]:
    """Milliseconds of every run, engines taking turns; the check before it was the warm-up."""
    times: dict[str, list[float]] = {name: [] for name in case.engines}
    for _ in range(runs):
        for name, run in case.engines.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return times


def version_of(engine: str) -> str:
    """Of the package that the name begins with: duckdb_arrow is DuckDB over Arrow tables."""
    try:
        return metadata.version(engine.split("_")[0])
    except metadata.PackageNotFoundError:
        import velaria

        return str(velaria.__version__) if engine == "velaria" else "?"


def cell(times: list[float] | None) -> str:
    if not times:
        return "refused"
    return f"{statistics.median(times):.1f} ({min(times):.1f}-{max(times):.1f})"


def main(title: str, cases: list[Case], ours: str = "velaria") -> None:
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each engine")
    parser.add_argument("--only", help="cases whose name contains this text")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()

    chosen = [c for c in cases if arguments.only is None or arguments.only in c.name]
    engines = list(dict.fromkeys(name for case in chosen for name in case.engines))
    print(f"{title}; median of {arguments.runs} runs in ms (fastest to slowest run)")
    print(", ".join(f"{name} {version_of(name)}" for name in engines))
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores\n")
    width = max([len(c.name) for c in chosen] + [4])
    print(f"{'case':<{width}}" + "".join(f"{name:>24}" for name in engines) + "   best peer / ours")

    report, ratios = [], []
    for case in chosen:
        if case.peers_may_refuse:
            leave_out_who_refuses(case, ours)
        check_answers(case)
        times = time_case(case, arguments.runs)
        medians = {name: statistics.median(t) for name, t in times.items()}
        ratio = min(m for name, m in medians.items() if name != ours) / medians[ours]
        ratios.append(ratio)
        cells = "".join(f"{cell(times.get(name)):>24}" for name in engines)
        print(f"{case.name:<{width}}{cells}   {ratio:.2f}", flush=True)
        report.append({"case": case.name, "times_ms": times, "best_peer_over_ours": ratio})
    if ratios:
        mean = math.exp(sum(math.log(r) for r in ratios) / len(ratios))
        print(f"\ngeometric mean of best peer / ours: {mean:.2f}")
    if arguments.json:
        versions = {name: version_of(name) for name in engines}
        arguments.json.write_text(
            json.dumps({"title": title, "versions": versions, "cases": report}, indent=1)
        )
