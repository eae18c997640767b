"""Writes a run while it happens."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import _velaria as core
from .._optional import import_pyarrow
from .._version import __version__
from ._files import FileLock, WholeFile, replace_json, sync_folder
from ._run import RESULT, RUNNING, STREAM_RESULT, Run

if TYPE_CHECKING:
    from .._frame import DataFrame

FORMAT_VERSION = 1
# How the folder of a run that is being made begins, and the lock, beside the runs, that those who
# make one share.
NEW = ".new-"
MAKING_LOCK = "making.lock"


def utc_now() -> str:
    """The time as runs note it: 2024-05-01T12:00:00.123456Z."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def explain_sections(text: str) -> dict[str, str]:
    """The parts of an explain text by their headings, which stand on lines of their own."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line in ("logical", "optimized", "physical", "strategy"):
            lines = sections.setdefault(line, [])
        else:
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in sections.items()}


class RunRecorder:
    """A run that is going on in this process; ``Workspace.start`` makes it.

    As a context manager it ends the run: succeeded, failed with the error, or interrupted by
    Ctrl-C. Until then the run is locked, so that a killed process leaves a run that everybody sees
    as killed, and cleanup keeps away from one that lives. One thread at a time.

    >>> import velaria
    >>> workspace = velaria.Workspace("somewhere")
    >>> session = velaria.Session()
    >>> with workspace.start("sql", {"sql": "SELECT 1 AS x"}, name="try") as recorder:
    ...     recorder.write_result(session.sql("SELECT 1 AS x"))
    >>> workspace.run(recorder.run_id).record["name"]
    'try'
    """

    def __init__(
        self,
        runs: Path,
        action: str,
        inputs: Mapping[str, Any],
        name: str,
        changed: Callable[[str, dict[str, Any] | None], None],
    ) -> None:
        now = datetime.now(timezone.utc)
        self._run_id = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{os.urandom(4).hex()}"
        self._path = runs / self._run_id
        self._changed = changed
        self._begin = time.monotonic()
        self._stream: Any = None
        self._progress: WholeFile | None = None
        self._last_line = ""
        self._open = True
        self.phase: str = "plan"
        """What is going on; it becomes the error's phase when the run fails."""
        self._record: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "run_id": self._run_id,
            "name": name,
            "action": action,
            "status": RUNNING,
            "created_at": utc_now(),
            "finished_at": None,
            "duration_ms": None,
            "pid": os.getpid(),
            "velaria_version": __version__,
            "row_count": None,
            "schema": None,
            "warnings": [],
            "error": None,
        }
        # Complete and locked before it has its name: nobody sees half a run. What is half when
        # nobody holds MAKING_LOCK was left by a process that died.
        made = runs / f"{NEW}{self._run_id}"
        self._lock = FileLock(made / "lock")
        with FileLock(runs.parent / MAKING_LOCK, exclusive=False):
            self._make(made, {"action": action, **inputs})
            os.rename(made, self._path)
        sync_folder(runs)
        self._changed(self._run_id, self._record)

    def _make(self, made: Path, inputs: Mapping[str, Any]) -> None:
        (made / "artifacts").mkdir(parents=True)
        self._lock.take()
        replace_json(
            made / "inputs.json",
            {
                **inputs,
                "cwd": os.getcwd(),
                "python_version": sys.version.split()[0],
                "velaria_version": __version__,
            },
        )
        replace_json(made / "run.json", self._record)

    @property
    def run_id(self) -> str:
        """The name of the run in its workspace."""
        return self._run_id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._path

    @property
    def run(self) -> Run:
        """The run as everybody reads it."""
        return Run(self._path)

    def write_explain(self, text: str) -> None:
        """Keeps an explain text of the kernel, whole and by its sections."""
        replace_json(
            self._path / "explain.json", {"text": text, "sections": explain_sections(text)}
        )

    def add_progress(self, snapshot_json: str) -> None:
        """Adds a snapshot of the kernel, as it is, unless it is the one before again."""
        if snapshot_json == self._last_line:
            return
        if self._progress is None:
            # Unbuffered: a line is in the file, whole, when this returns.
            self._progress = WholeFile(self._path / "progress.jsonl", "ab")
        with self._progress.all_or_nothing():
            self._progress.write(snapshot_json.encode() + b"\n")
        self._last_line = snapshot_json

    def artifact_path(self, name: str) -> Path:
        """Where an artifact of that name belongs."""
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise core.InvalidArgumentError(f"artifact name {name!r} is no plain file name")
        return self._path / "artifacts" / name

    def write_result(self, frame: DataFrame, warnings: Iterable[str] = ()) -> None:
        """Runs a frame, if it has to, and keeps its rows as artifacts/result.arrow.

        Its warnings go to run.json, and so do ``warnings``: those of the frame whose rows it has.
        """
        arrow = import_pyarrow("the result of a run")
        reader = arrow.RecordBatchReader.from_stream(frame)
        self.phase = "output"
        target = self.artifact_path(RESULT)
        temporary = target.with_name(f".{RESULT}")
        rows = 0
        with (
            arrow.OSFile(str(temporary), "wb") as file,
            arrow.ipc.new_file(file, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
        self._record["row_count"] = rows
        self._record["schema"] = [list(field) for field in frame.schema]
        self._add_warnings([*warnings, *frame.warnings])

    def _add_warnings(self, warnings: Iterable[str]) -> None:
        known = self._record["warnings"]
        known += [text for text in warnings if text not in known]

    def stream_sink(self, schema: Any) -> Callable[[Any], None]:
        """A sink for ``write_stream`` that keeps rows as artifacts/result.arrows.

        Each batch is in the file before the query goes on, and readable from then on.
        """
        arrow = import_pyarrow("the result of a run")
        file = WholeFile(self.artifact_path(STREAM_RESULT), "wb")
        writer = arrow.ipc.new_stream(file, schema.to_arrow())
        self._stream = (writer, file)
        self._record["row_count"] = 0
        self._record["schema"] = [list(field) for field in schema]

        def write(table: Any) -> None:
            with file.all_or_nothing():
                writer.write_table(table)
            self._record["row_count"] += table.num_rows

        return write

    def finish(self, status: str, error: BaseException | None = None) -> None:
        """Ends the run: "succeeded", "failed" or "interrupted". A second time it does nothing."""
        if not self._open:
            return
        self._open = False
        try:
            self._close_files()
        except BaseException as failure:  # as of a full disk: what the run gave is not all there
            self._end("failed", error or failure)
            raise
        self._end(status, error)

    def _close_files(self) -> None:
        try:
            if self._stream is not None:
                writer, file = self._stream
                with file:
                    writer.close()
                    os.fsync(file.fileno())
        finally:
            if self._progress is not None:
                self._progress.close()

    def _end(self, status: str, error: BaseException | None) -> None:
        self._record["status"] = status
        self._record["finished_at"] = utc_now()
        self._record["duration_ms"] = round((time.monotonic() - self._begin) * 1000, 3)
        if error is not None:
            self._record["error"] = {
                "error": str(error) or type(error).__name__,
                "error_type": type(error).__name__,
                "phase": self.phase,
            }
        try:
            replace_json(self._path / "run.json", self._record)
            self._changed(self._run_id, self._record)
        finally:
            self._lock.give_back()

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish("succeeded")
        elif isinstance(error, (KeyboardInterrupt, core.CancelledError, SystemExit)):
            self.finish("interrupted", error)
        else:
            self.finish("failed", error)

    def __repr__(self) -> str:
        return f"RunRecorder({self._run_id!r}, {self._record['status']})"


def shown_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as JSON can hold them; what it cannot is shown as Python shows it."""
    shown: dict[str, Any] = json.loads(json.dumps(dict(inputs), default=repr))
    return shown
