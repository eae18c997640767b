"""The command behind scripts/run_reliability.sh."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .machine import machine, versions
from .report import merged, put_into, report
from .run import Result, run_stages
from .stages import ROOT, STAGES, Stage

OUTPUT = ROOT / "reliability_output"


def names(text: str) -> list[str]:
    known = [stage.name for stage in STAGES]
    wanted = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no stage '{name}'; there are {', '.join(known)}")
    return wanted


def budget(text: str) -> tuple[str, int]:
    name, equals, seconds = text.partition("=")
    if not equals or not seconds.isdigit() or int(seconds) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not STAGE=SECONDS")
    return names(name)[0], int(seconds)


def described(stage: Stage) -> str:
    time_of = "works for" if stage.fills_its_time else "at most"
    return f"{stage.name:<18}{stage.title}; {time_of} {stage.seconds} s"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="run_reliability.sh",
        description="Runs what tries to break Velaria; reports what was tried and what was lost.",
        epilog="stages and their budgets, where none is given:\n  "
        + "\n  ".join(described(stage) for stage in STAGES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stages", type=names, help="names with commas between (default: all)")
    parser.add_argument("--leave-out", type=names, default=[], help="names with commas between")
    parser.add_argument(
        "--seconds",
        type=budget,
        action="append",
        default=[],
        metavar="STAGE=SECONDS",
        help="how long a stage works, or what it may take at most",
    )
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help=f"a folder (default: {OUTPUT.name})"
    )
    parser.add_argument("--into", type=Path, help="a page whose marked part becomes the report")
    parser.add_argument(
        "--report-of",
        type=Path,
        nargs="+",
        help="the JSON of an earlier run, or of several with different stages: nothing is run",
    )
    options = parser.parse_args(arguments)
    if options.report_of:
        run = merged([json.loads(file.read_text()) for file in options.report_of])
    else:
        run = make_run(options)
    text = report(run)
    if options.into:
        put_into(options.into, text)
    print(text, end="")
    failed = any(stage["status"] == "failed" for stage in run["stages"].values())
    return 1 if failed or run.get("interrupted") else 0


def make_run(options: argparse.Namespace) -> dict[str, Any]:
    budgets = {stage.name: stage.seconds for stage in STAGES} | dict(options.seconds)
    wanted = options.stages or list(budgets)
    chosen = {name: budgets[name] for name in wanted if name not in options.leave_out}
    now = datetime.now(timezone.utc)
    begin = time.monotonic()
    options.output.mkdir(parents=True, exist_ok=True)
    base = options.output.resolve() / f"reliability-{now:%Y%m%d-%H%M%S}"
    run: dict[str, Any] = {
        "format": 1,
        "started": f"{now:%Y-%m-%d %H:%M} UTC",
        "machine": machine(),
        "versions": versions(),
    }

    def write(results: dict[str, Result]) -> None:
        run["seconds"] = round(time.monotonic() - begin, 1)
        run["stages"] = results
        base.with_suffix(".json").write_text(json.dumps(run, indent=2) + "\n")
        base.with_suffix(".md").write_text(report(run))

    try:
        run_stages(STAGES, chosen, base, write)
    except KeyboardInterrupt:
        # What was done until then stands in the files.
        run["interrupted"] = True
        write(run["stages"])
    print(f"==> {base}.json", file=sys.stderr)
    return run


if __name__ == "__main__":
    sys.exit(main())
