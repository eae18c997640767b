"""One kept run, as anybody may read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _velaria as core
from .._optional import import_pyarrow
from ._files import folder_bytes, is_locked, json_lines, last_line, read_json

if TYPE_CHECKING:
    import pyarrow

    from .._frame import DataFrame
    from .._session import Session

RUNNING = "running"
KILLED = "killed"
SUCCEEDED = "succeeded"
# What a record ends with; it never changes again.
FINAL = (SUCCEEDED, "failed", "interrupted")

RESULT = "result.arrow"
STREAM_RESULT = "result.arrows"


class Run:
    """A run in a workspace: its record, inputs, plans, progress and artifacts.

    ``Workspace.run``, ``runs`` and ``run_sql`` give it. It reads its files when it is asked, so a
    run that goes on shows how far it is. Raises CatalogError when its folder was deleted.

    >>> import velaria
    >>> workspace = velaria.Workspace("somewhere")
    >>> run = workspace.run_sql(velaria.Session(), "SELECT 1 AS x")
    >>> run.status, run.record["row_count"], run.to_arrow().to_pylist()
    ('succeeded', 1, [{'x': 1}])
    """

    __slots__ = ("_path", "_run_id")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run_id = path.name

    @property
    def run_id(self) -> str:
        """The run's name in its workspace; names sort by the time when runs began."""
        return self._run_id

    @property
    def path(self) -> Path:
        """The folder with run.json, inputs.json, explain.json, progress.jsonl and artifacts/."""
        return self._path

    @property
    def record(self) -> dict[str, Any]:
        """run.json: action, name, status, times, error, row_count, schema and warnings.

        ``warnings`` is what readers of files guessed, and what they left out (on_error="skip").
        ``status`` is running, succeeded, failed, interrupted (Ctrl-C or a stop that was asked
        for), or killed: its process is gone and could not say why.
        """
        record = self._read()
        # Asked in this order a run that ends meanwhile is seen as it ended.
        if record["status"] == RUNNING and not is_locked(self._path / "lock"):
            record = self._read()
            if record["status"] == RUNNING:
                record["status"] = KILLED
        return record

    def _read(self) -> dict[str, Any]:
        record = read_json(self._path / "run.json")
        if not isinstance(record, dict) or "status" not in record:
            raise core.CatalogError(f"there is no run {self._run_id!r} in {self._path.parent}")
        return record

    @property
    def status(self) -> str:
        """The status of ``record``."""
        return str(self.record["status"])

    @property
    def inputs(self) -> dict[str, Any]:
        """inputs.json: what was asked, of which tables, with which options."""
        return read_json(self._path / "inputs.json") or {}

    @property
    def explain(self) -> dict[str, Any]:
        """explain.json: the kernel's explain text and its sections; empty before it was made."""
        return read_json(self._path / "explain.json") or {}

    def progress(self) -> Iterator[dict[str, Any]]:
        """The lines of progress.jsonl, each what the kernel's snapshot said at a moment."""
        for line in json_lines(self._path / "progress.jsonl"):
            yield json.loads(line)

    def last_progress(self) -> dict[str, Any] | None:
        """The newest line of progress.jsonl; None before the first one."""
        line = last_line(self._path / "progress.jsonl")
        return None if line is None else json.loads(line)

    def artifacts(self) -> list[dict[str, Any]]:
        """The files in artifacts/: name and size_bytes, by name."""
        try:
            files = sorted(f for f in (self._path / "artifacts").iterdir() if f.is_file())
        except FileNotFoundError:
            return []
        return [
            {"name": f.name, "size_bytes": f.stat().st_size}
            for f in files
            if not f.name.startswith(".")
        ]

    def artifact(self, name: str) -> Path:
        """The path of an artifact; raises CatalogError when there is none of that name."""
        known = [artifact["name"] for artifact in self.artifacts()]
        if name not in known:
            there = ", ".join(known) or "it has none"
            raise core.CatalogError(f"run {self._run_id} has no artifact {name!r}; there: {there}")
        return self._path / "artifacts" / name

    def size_bytes(self) -> int:
        """How much of the disk the run takes."""
        return folder_bytes(self._path)

    def to_arrow(self) -> pyarrow.Table:
        """The run's result. Of a stream: what was written so far.

        Raises CatalogError when the run has no result (it failed, or goes on), FileFormatError for
        a broken file, also one with fewer rows than a stream that succeeded wrote, and ImportError
        without pyarrow.
        """
        import_pyarrow("the result of a run")
        known = [artifact["name"] for artifact in self.artifacts()]
        for name in (RESULT, STREAM_RESULT):
            if name in known:
                return artifact_table(self, name)
        raise core.CatalogError(f"run {self._run_id} ({self.status}) has no result")

    def to_frame(self, session: Session) -> DataFrame:
        """The run's result as a frame of a session; raises like ``to_arrow``."""
        return session.create_dataframe_from_arrow(self.to_arrow())

    def __repr__(self) -> str:
        return f"Run({self._run_id!r})"


def artifact_table(run: Run, name: str) -> pyarrow.Table:
    """The table of an Arrow artifact of a run. All rows of a stream that has succeeded, or an
    error."""
    written = None
    if name == STREAM_RESULT:
        # Asked before the file is read, which a run that goes on may write to meanwhile.
        record = run.record
        written = record["row_count"] if record["status"] == SUCCEEDED else None
    return read_artifact(run.path / "artifacts" / name, written)


def read_artifact(path: Path, written: int | None = None) -> pyarrow.Table:
    """The table of an Arrow file of either of Arrow's formats; ``written`` as in _read_stream."""
    arrow = import_pyarrow("an artifact")
    if path.suffix == ".arrows":
        return _read_stream(arrow, path, written)
    return _read_file(arrow, path)


def _read_file(arrow: Any, path: Path) -> pyarrow.Table:
    try:
        with arrow.memory_map(str(path)) as source:
            return arrow.ipc.open_file(source).read_all()
    except arrow.ArrowInvalid as error:
        raise core.FileFormatError(f"{path} is not a whole Arrow file: {error}") from None


def _read_stream(arrow: Any, path: Path, written: int | None = None) -> pyarrow.Table:
    """Every batch that is whole: the file may still grow, or its writer may have been killed.

    ``written``: so many rows there must be, as the writer has ended well.
    """
    batches = []
    damage = "the file ends there"
    try:
        with arrow.OSFile(str(path)) as source:
            reader = arrow.ipc.open_stream(source)
            schema = reader.schema
            with_end = iter(reader)
            while True:
                try:
                    batches.append(next(with_end))
                except StopIteration:
                    break
                except (OSError, arrow.ArrowInvalid) as error:
                    damage = str(error)
                    break
    except (OSError, arrow.ArrowInvalid) as error:
        raise core.FileFormatError(f"{path} has no whole batch yet: {error}") from None
    table = arrow.Table.from_batches(batches, schema)
    if written is not None and table.num_rows != written:
        message = (
            f"{path} gives {table.num_rows} rows, and its run wrote {written}: {damage}; restore "
            f"the file, or run it again"
        )
        raise core.FileFormatError(message)
    return table
