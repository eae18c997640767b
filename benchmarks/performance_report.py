"""Makes docs/performance.md and its picture of the newest recorded figures of every benchmark.

python benchmarks/performance_report.py            writes both
python benchmarks/performance_report.py --check    exit code 1 when they are not current
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from pathlib import Path
from typing import Any

from performance_record import FAMILIES, RECORDS, ROOT, records

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
TITLES = {
    "batch": "Queries over Arrow data",
    "tpch": "TPC-H",
    "files": "Files",
    "streams": "Streams",
    "workers": "Local workers",
    "vectors": "Exact vector search",
    "start_up": "Start-up",
}
# What a reader of the figures has to know, above each table.
NOTES = {
    "group_by": "Grouped and global aggregates over a table in memory.",
    "join": "A large table joined with smaller and equally large ones.",
    "sort": "ORDER BY with and without LIMIT.",
    "window_functions": "SQL window functions.",
    "scaling": "The same query with two threads and with one; there is no peer.",
    "tpch": "The 22 queries over Arrow tables. `duckdb-native` reads its own tables, which it had "
    "time to lay out.",
    "tpch_csv": "The same queries straight from CSV files.",
    "csv": "Velaria infers types from every value of a file, so that no later row can break or "
    "bend them; the peers look at a sample. It therefore reads a file twice where no types are "
    "named, which the cases to Arrow show most; with named types all read it once.",
    "json_lines": "The same holds for JSON lines.",
    "log_lines": "Log lines taken apart by a regular expression.",
    "stream": "Peers are hand-written loops over micro-batches that keep running totals: none of "
    "the engines that people use from Python for streams is as fast as these.",
    "local_workers": "`asked` is a query that asked for local workers and was given what the trial "
    "found faster, `here` one that did not ask, `always` one that was made to use them.",
    "vector_search": "All rows are looked at, and answers are checked against float64.",
    "start_up": "A new Python process, less one that does nothing.",
}


# What compares ways of ours with each other.
OURS_ALONE = ("scaling", "local_workers")


def newest(all_records: list[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By benchmark: its newest result and the record it stands in."""
    out = {}
    for record in all_records:
        for bench, result in record["benches"].items():
            out[bench] = (result, record)
    return out


def time_text(times: list[float] | None) -> str:
    if not times:
        return "–"
    middle = statistics.median(times)
    places = 1 if middle < 100 else 0
    low, high = (f"{value:.{places}f}" for value in (min(times), max(times)))
    return f"{middle:.{places}f} ({low}–{high})"


def ratio_text(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"**{ratio:.2f}**" if ratio < 1 else f"{ratio:.2f}"


def table_of(result: dict[str, Any]) -> list[str]:
    """Times in milliseconds; other figures of a case as they are named."""
    timed = [case for case in result["cases"] if case.get("times_ms")]
    lines: list[str] = []
    if timed:
        engines = list(dict.fromkeys(e for case in timed for e in case["times_ms"]))
        lines += [
            f"| ms, median (fastest–slowest) | {' | '.join(engines)} | best peer / ours |",
            f"|---|{'---:|' * (len(engines) + 1)}",
        ]
        for case in timed:
            cells = " | ".join(time_text(case["times_ms"].get(engine)) for engine in engines)
            ratio = ratio_text(case.get("best_peer_over_ours"))
            lines.append(f"| {case['case']} | {cells} | {ratio} |")
        ratios = ratios_of(result)
        if ratios:
            lines += ["", f"Geometric mean of best peer / ours: {geometric_mean(ratios):.2f}."]
    others = [case for case in result["cases"] if not case.get("times_ms")]
    if others:
        lines += ["", "| also measured | |", "|---|---|"]
        for case in others:
            figures = ", ".join(
                f"{name} {figure(value)}"
                for name, value in case.items()
                if name not in ("case", "times_ms")
            )
            lines.append(f"| {case['case']} | {figures} |")
    return lines


def figure(value: Any) -> str:
    if isinstance(value, list):
        return time_text([float(v) for v in value])
    if isinstance(value, dict):
        return ", ".join(f"{name} {figure(v)}" for name, v in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ratios_of(result: dict[str, Any]) -> list[float]:
    return [c["best_peer_over_ours"] for c in result["cases"] if c.get("best_peer_over_ours")]


def with_peers(
    results: dict[str, tuple[dict[str, Any], dict[str, Any]]],
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Without the benchmarks that compare us with ourselves alone."""
    return {bench: found for bench, found in results.items() if bench not in OURS_ALONE}


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))


def losses(results: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    lost = [
        (case["best_peer_over_ours"], bench, case["case"])
        for bench, (result, _) in results.items()
        for case in result["cases"]
        if (case.get("best_peer_over_ours") or 1) < 1
    ]
    total = sum(len(ratios_of(result)) for result, _ in results.values())
    lines = [f"In {len(lost)} of {total} cases a peer is faster{':' if lost else '.'}"]
    if lost:
        lines += ["", "| best peer / ours | benchmark | case |", "|---:|---|---|"]
        lines += [f"| {ratio:.2f} | {bench} | {case} |" for ratio, bench, case in sorted(lost)]
    # What was never recorded is no case that we win.
    known = {*results, *OURS_ALONE}
    missing = [bench for benches in FAMILIES.values() for bench in benches if bench not in known]
    if missing:
        lines += ["", f"Not recorded yet, so nothing is said of them: {', '.join(missing)}."]
    return lines


def page(results: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> str:
    lines = [
        "# Performance",
        "",
        "<!-- Made by benchmarks/performance_report.py of benchmarks/records; not edited. -->",
        "",
        "Every benchmark here runs Velaria and its peers in one run and in turns, over the same "
        "data, after their answers were found equal. Times are medians; a figure above 1 says how "
        "many times as long as Velaria the fastest peer took, one below 1 is bold and a case where "
        "a peer wins. Where an engine has no time (–) it has no such feature, refused, or was not "
        "asked.",
        "",
        "![Best peer / ours of every case, on a logarithmic scale](images/performance.svg)",
        "",
        "Run it yourself, all of it or some families:",
        "",
        "```text",
        "./scripts/run_benchmarks.sh                # all families: more than an hour on two cores",
        f"./scripts/run_benchmarks.sh files vectors  # {', '.join(FAMILIES)}",
        "```",
        "",
        "It writes a dated record to `benchmarks/records` and this page, and tells of every case "
        "that took more than a tenth longer than in the last record of the same machine while its "
        "peers did not.",
        "",
        "## Where we lose",
        "",
        *losses(with_peers(results)),
    ]
    for family, benches in FAMILIES.items():
        known = [bench for bench in benches if bench in results]
        if not known:
            continue
        lines += ["", f"## {TITLES[family]}"]
        for bench in known:
            result, record = results[bench]
            machine = record["machine"]
            versions = ", ".join(f"{e} {v}" for e, v in result.get("versions", {}).items())
            lines += ["", f"### {bench}", "", NOTES[bench], ""]
            lines += [*table_of(result), ""]
            lines.append(
                f"{record['date']}, {machine['cpu']}, {machine['cores']} cores, "
                f"{machine['memory_gib']} GiB; {record['system']}{'; ' if versions else ''}"
                f"{versions}."
            )
    return "\n".join(lines) + "\n"


def picture(results: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """One line a benchmark, one dot a case, at its ratio."""
    rows = [(b, ratios_of(results[b][0])) for f in FAMILIES.values() for b in f if b in results]
    rows = [(bench, ratios) for bench, ratios in rows if ratios]
    left, right, top, height = 150, 720, 46, 26
    lowest, highest = -2.0, 7.0  # powers of two

    def x(ratio: float) -> float:
        power = min(max(math.log2(ratio), lowest), highest)
        return left + (power - lowest) / (highest - lowest) * (right - left)

    bottom = top + height * len(rows)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="740" height="{bottom + 34}" '
        f'viewBox="0 0 740 {bottom + 34}" font-family="sans-serif" font-size="12">',
        f'<rect width="740" height="{bottom + 34}" fill="#ffffff"/>',
        '<text x="16" y="22" font-size="14" fill="#222222">Fastest peer / Velaria, each dot a '
        "case; right of 1 Velaria is faster</text>",
        f'<rect x="{left}" y="{top - 8}" width="{x(1) - left:.1f}" height="{bottom - top + 8}" '
        'fill="#fbeaea"/>',
    ]
    for power in range(int(lowest), int(highest) + 1):
        at = x(2.0**power)
        label = f"{2.0**power:g}" if power < highest else f"{2.0**power:g}+"
        stroke = "#888888" if power == 0 else "#dddddd"
        out.append(
            f'<line x1="{at:.1f}" y1="{top - 8}" x2="{at:.1f}" y2="{bottom}" stroke="{stroke}"/>'
            f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#555555">'
            f"{label}</text>"
        )
    for i, (bench, ratios) in enumerate(rows):
        y = top + height * i + height / 2 - 4
        out.append(
            f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end" fill="#222222">{bench}</text>'
        )
        for ratio in ratios:
            color = "#2a6f97" if ratio >= 1 else "#c1444a"
            out.append(
                f'<circle cx="{x(ratio):.1f}" cy="{y:.1f}" r="4.5" fill="{color}" '
                'fill-opacity="0.55"/>'
            )
        at = x(geometric_mean(ratios))
        out.append(
            f'<line x1="{at:.1f}" y1="{y - 9:.1f}" x2="{at:.1f}" y2="{y + 9:.1f}" '
            'stroke="#111111" stroke-width="2"/>'
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder of the records")
    arguments = parser.parse_args()
    results = newest(records(arguments.records))
    wanted = {PAGE: page(results), PICTURE: picture(results)}
    if arguments.check:
        old = [path for path, text in wanted.items() if not same(path, text)]
        for path in old:
            print(
                f"{path.relative_to(ROOT)} is not what the records say: run {Path(__file__).name}"
            )
        return 1 if old else 0
    for path, text in wanted.items():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
