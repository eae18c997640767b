"""Runs stages one after another and keeps what they printed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .outputs import last_lines, read_output
from .stages import HOUR, ROOT, Command, Stage

# On top of the budget of a tool that fills its time: for building it, and for its end. Behind that
# it hangs.
_BUILD_AND_END_SECONDS = HOUR
_SECONDS_TO_END = 10

Result = dict[str, Any]  # as it stands in the JSON


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command and what it started."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_END)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def run_command(command: Command, log: Path, limit_seconds: float) -> Result:
    _say(f"    {command.name}")
    started = time.monotonic()
    stopped = False
    with log.open("wb") as out:
        process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            stopped = True
            _end(process)
        except BaseException:
            _end(process)
            raise
    seconds = time.monotonic() - started
    text = log.read_text(errors="replace")
    output = read_output(text)
    result: Result = {
        "name": command.name,
        "status": "passed",
        "seconds": round(seconds, 1),
        "tried": output.tried,
        "measured": output.measured,
        "failures": [],
        "log": f"{log.parent.name}/{log.name}",
    }
    if stopped:
        result["status"] = "failed"
        reason = f"stopped after {limit_seconds:.0f} s, not done"
        result["failures"] = [reason, *output.failures]
    elif process.returncode != 0:
        result["status"] = "failed"
        result["failures"] = output.failures or last_lines(text)
        result["failures"].append(f"exit code {process.returncode}")
    elif sum(output.tried.values()) == 0:
        # A run that tried nothing proves nothing.
        result["status"] = "failed"
        result["failures"] = ["it told no count of what it tried", *last_lines(text)]
    _say(f"    {command.name}: {result['status']} in {seconds:.0f} s")
    for what, count in output.tried.items():
        _say(f"        {count:,} {what}")
    return result


def run_stage(stage: Stage, seconds: int, logs: Path, result: Result) -> None:
    """Fills `result`, which is "interrupted" until all is done."""
    _say(f"==> {stage.name}: {stage.title} ({seconds} s)")
    started = time.monotonic()
    result.update(status="interrupted", budget_seconds=seconds)
    status = "passed"
    commands = stage.commands(seconds)
    for command in commands:
        if stage.fills_its_time:
            limit = seconds / len(commands) + _BUILD_AND_END_SECONDS
        else:
            limit = max(1.0, seconds - (time.monotonic() - started))
        log = logs / f"{stage.name}.{command.name}.log"
        done = run_command(command, log, limit)
        result["commands"].append(done)
        if done["status"] != "passed":
            status = "failed"
    result.update(status=status, seconds=round(time.monotonic() - started, 1))


def not_run(stage: Stage) -> Result:
    return {"title": stage.title, "holds": stage.holds, "status": "not run", "commands": []}


def run_stages(
    stages: Sequence[Stage],
    chosen: Mapping[str, int],
    logs: Path,
    write: Callable[[dict[str, Result]], None],
) -> None:
    """Runs the chosen stages, each with its budget in seconds; `write` gets what stands so far."""
    logs.mkdir(parents=True, exist_ok=True)
    results = {stage.name: not_run(stage) for stage in stages}
    write(results)
    for stage in stages:
        if stage.name in chosen:
            run_stage(stage, chosen[stage.name], logs, results[stage.name])
            write(results)
