"""Runs benchmark families one after the other and keeps what they say as a dated record.

    python benchmarks/performance_record.py files streams --runs 3

writes benchmarks/records/DATE.json, with every run of every engine, the machine and the versions;
then performance_report.py makes docs/performance.md of the newest records. Each benchmark is a
process of its own, so that none meets the memory that another left behind. A case that takes more
than a tenth longer than in the last record of the same machine is told of, and is the exit code 3.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "benchmarks" / "records"
FAMILIES = {
    "batch": ["group_by", "join", "sort", "window_functions", "scaling"],
    "tpch": ["tpch", "tpch_csv"],
    "files": ["csv", "json_lines", "log_lines"],
    "streams": ["stream"],
    "workers": ["local_workers"],
    "vectors": ["vector_search"],
    "start_up": ["start_up"],
}
# Sizes of a run that only shows that everything works; its figures are kept nowhere.
SHORT_SIZES = {
    "VELARIA_BENCH_ROWS": "200000",
    "VELARIA_BENCH_MB": "10",
    "VELARIA_TPCH_SCALE": "0.1",
}
WORSE = 1.1  # times as long as before


@dataclass
class Machine:
    cpu: str
    cores: int
    memory_gib: int

    @staticmethod
    def here() -> Machine:
        cpu = platform.machine()
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
        memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Machine(cpu, len(os.sched_getaffinity(0)), round(memory_bytes / 2**30))


@dataclass
class Change:
    """A case beside the same one in an earlier record."""

    bench: str
    case: str
    before_ms: float
    now_ms: float
    before_ratio: float | None  # best peer / ours
    now_ratio: float | None

    @property
    def is_worse(self) -> bool:
        """Longer than before, and not only because the whole machine was slower: the peers were
        timed in the same runs, so that their figures tell the one from the other."""
        if self.now_ms <= WORSE * self.before_ms:
            return False
        if self.before_ratio is None or self.now_ratio is None:
            return True
        return self.now_ratio * WORSE <= self.before_ratio

    def __str__(self) -> str:
        text = f"{self.bench}, {self.case}: {self.before_ms:.1f} ms before, {self.now_ms:.1f} now"
        if self.before_ratio is not None and self.now_ratio is not None:
            text += f"; best peer / ours {self.before_ratio:.2f} before, {self.now_ratio:.2f} now"
        return text


def records(folder: Path = RECORDS) -> list[dict[str, Any]]:
    """All records of a folder, the oldest first."""

    def made(path: Path) -> tuple[str, int]:
        return path.stem[:10], int(path.stem[11:] or 1)

    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"), key=made)]


def ours_of(case: dict[str, Any]) -> float | None:
    """The median of our runs; None of a case that has other figures than times."""
    times = next(iter(case.get("times_ms", {}).values()), None)
    return statistics.median(times) if times else None


def changes(record: dict[str, Any], earlier: list[dict[str, Any]]) -> list[Change]:
    """The cases of a record that stand in an earlier one of the same machine, beside the newest."""
    before: dict[tuple[str, str], dict[str, Any]] = {}
    for old in earlier:
        if old["machine"] != record["machine"]:
            continue
        for bench, result in old["benches"].items():
            before |= {(bench, case["case"]): case for case in result["cases"]}
    out = []
    for bench, result in record["benches"].items():
        for case in result["cases"]:
            old_case = before.get((bench, case["case"]))
            old_ms = ours_of(old_case) if old_case else None
            now_ms = ours_of(case)
            if old_case is None or old_ms is None or now_ms is None:
                continue
            ratios = [c.get("best_peer_over_ours") for c in (old_case, case)]
            out.append(Change(bench, case["case"], old_ms, now_ms, ratios[0], ratios[1]))
    return out


def run_bench(name: str, arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="velaria-record-") as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, f"benchmarks/{name}_bench.py", "--json", str(file), *arguments]
        print(f"\n==== {' '.join(command[1:2])}", flush=True)
        start = time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        result: dict[str, Any] = json.loads(file.read_text())
        result["seconds"] = round(time.monotonic() - start, 1)
    for case in result["cases"]:
        case["times_ms"] = {
            engine: [float(f"{ms:.4g}") for ms in times]
            for engine, times in case.get("times_ms", {}).items()
        }
        if len(case["times_ms"]) > 1 and "best_peer_over_ours" not in case:
            ours, *peers = (statistics.median(t) for t in case["times_ms"].values())
            case["best_peer_over_ours"] = min(peers) / ours
        if "best_peer_over_ours" in case:
            case["best_peer_over_ours"] = round(case["best_peer_over_ours"], 3)
    return result


def commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def file_for(record: dict[str, Any], folder: Path) -> Path:
    """DATE.json, or DATE-2.json when that day has a record already."""
    number = 1
    while (path := folder / f"{record['date']}{f'-{number}' if number > 1 else ''}.json").exists():
        number += 1
    return path


def main() -> int:
    parser = argparse.ArgumentParser(
        description="benchmark families with their peers, as a dated record",
        epilog=f"families: {', '.join(FAMILIES)}; without one all are run. Or one benchmark: "
        + ", ".join(bench for family in FAMILIES.values() for bench in family),
    )
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each engine")
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder of the records")
    parser.add_argument(
        "--short", action="store_true", help="small sizes, to see that all works; no record"
    )
    arguments = parser.parse_args()
    benches: list[str] = []
    for name in arguments.families or FAMILIES:
        if name in FAMILIES:
            benches += FAMILIES[name]
        elif any(name in family for family in FAMILIES.values()):
            benches.append(name)
        else:
            parser.error(f"there is no family {name!r}; there are {', '.join(FAMILIES)}")

    environment = dict(os.environ) | (SHORT_SIZES if arguments.short else {})
    runs = ["--runs", str(arguments.runs)]
    record: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "machine": vars(Machine.here()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "benches": {},
    }
    earlier = records(arguments.records)
    file = file_for(record, arguments.records)
    failed = []
    for bench in benches:
        try:
            record["benches"][bench] = run_bench(bench, runs, environment)
        except subprocess.CalledProcessError as error:
            failed.append(bench)
            print(f"benchmarks/{bench}_bench.py ended with {error.returncode}", flush=True)
            continue
        if not arguments.short:
            # Each time: who breaks off keeps what was measured until then.
            arguments.records.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(record, indent=1) + "\n")
    if failed:
        print(f"\nfailed, so that nothing is recorded of them: {', '.join(failed)}")
    if arguments.short or not record["benches"]:
        return 1 if failed else 0

    compared = changes(record, earlier)
    print(f"\nrecorded in {file}")
    worse = [change for change in compared if change.is_worse]
    print(
        f"{len(compared)} cases stand in an earlier record of this machine, {len(worse)} are worse"
    )
    for change in worse:
        print(f"  {change}")
    return 1 if failed else 3 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
