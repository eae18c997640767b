"""The report of one run or of several in Markdown, made from their JSON alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGIN = "<!-- the report of a run: begin -->"
END = "<!-- the report of a run: end -->"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _named(facts: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in facts.items() if value)


def _lost(command: dict[str, Any]) -> str:
    if command["status"] == "passed":
        return "nothing"
    return f"**failed**: {_cell(command['failures'][0])}"


def _faults(run: dict[str, Any]) -> Iterator[str]:
    yield "| tried | count | lost |"
    yield "| --- | ---: | --- |"
    for stage in run["stages"].values():
        for command in stage["commands"]:
            tried = command["tried"] or {f"{command['name']} ({stage['title']})": 0}
            for what, count in tried.items():
                yield f"| {_cell(what)} | {count:,} | {_lost(command)} |"


def _stages(run: dict[str, Any]) -> Iterator[str]:
    yield "| stage | what is tried | what must hold | result | took | budget |"
    yield "| --- | --- | --- | --- | ---: | ---: |"
    for name, stage in run["stages"].items():
        status = stage["status"] if stage["status"] != "failed" else "**failed**"
        took = _duration(stage["seconds"]) if "seconds" in stage else ""
        budget = _duration(stage["budget_seconds"]) if "budget_seconds" in stage else ""
        title, holds = _cell(stage["title"]), _cell(stage["holds"])
        yield f"| `{name}` | {title} | {holds} | {status} | {took} | {budget} |"


def _failures(run: dict[str, Any]) -> Iterator[str]:
    for name, stage in run["stages"].items():
        for command in stage["commands"]:
            if command["status"] == "passed":
                continue
            yield ""
            yield f"What failed in `{name}`, {command['name']} (all of it in `{command['log']}`):"
            yield ""
            yield "```text"
            yield from command["failures"]
            yield "```"


def merged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One run of several on one machine: each stage as it was when it was run last."""
    runs = sorted(runs, key=lambda run: str(run["started"]))
    if any(run["machine"] != runs[0]["machine"] for run in runs):
        raise ValueError("these runs were made on different machines")
    out = {**runs[-1], "stages": dict(runs[-1]["stages"])}
    for run in runs:
        for name, stage in run["stages"].items():
            if stage["status"] != "not run":
                out["stages"][name] = stage
    commits = list(dict.fromkeys(run["versions"].get("commit", "") for run in runs))
    out["versions"] = {**runs[-1]["versions"], "commit": ", ".join(commits)}
    out["started"] = ", ".join(run["started"] for run in runs)
    out["seconds"] = sum(run["seconds"] for run in runs)
    out["interrupted"] = any(run.get("interrupted") for run in runs)
    return out


def report(run: dict[str, Any]) -> str:
    stages = run["stages"].values()
    counts = {
        status: sum(stage["status"] == status for stage in stages)
        for status in ("passed", "failed", "not run")
    }
    lines = [
        f"Run of {run['started']}, {_duration(run['seconds'])}: "
        + ", ".join(f"{count} stages {status}" for status, count in counts.items())
        + (", interrupted before its end." if run.get("interrupted") else "."),
        "",
        f"- Machine: {_named(run['machine'])}.",
        f"- Versions: {_named(run['versions'])}.",
        "",
        *_stages(run),
        "",
        *_faults(run),
        *_failures(run),
    ]
    measured = [
        f"- {text}"
        for stage in stages
        for command in stage["commands"]
        for text in command["measured"]
    ]
    if measured:
        lines += ["", "Measured on the way:", "", *measured]
    return "\n".join(lines) + "\n"


def put_into(path: Path, text: str) -> None:
    """Replaces what stands between the two marks of a page."""
    page = path.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"{path} needs one line '{BEGIN}' and one '{END}'")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
