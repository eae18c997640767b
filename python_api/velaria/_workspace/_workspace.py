"""The folder of all runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import _velaria as core
from .._arguments import PathLike, memory_bytes
from .._progress_bar import progress_teller
from ._diff import diff_runs
from ._files import FileLock, folder_bytes, read_json, replace_json
from ._recorder import MAKING_LOCK, NEW, RunRecorder, shown_inputs
from ._run import FINAL, RUNNING, Run

if TYPE_CHECKING:
    from .._session import Session

_INDEX_VERSION = 1
_INDEXED = (
    "run_id",
    "name",
    "action",
    "status",
    "created_at",
    "finished_at",
    "duration_ms",
    "row_count",
    "error",
)
_TRASH = ".deleted-"


class CleanupResult(NamedTuple):
    """What a cleanup did: the runs it removed, and how many bytes they took."""

    removed: list[str]
    freed_bytes: int


class Workspace:
    """Where runs are kept: ``home``, else ``$VELARIA_HOME``, else ``~/.velaria``.

    Each run is a folder ``runs/<run_id>/`` with run.json, inputs.json, explain.json,
    progress.jsonl and artifacts/; ``index.json`` repeats what a list shows and is made anew when
    it is missing. Any number of processes may use one workspace on a local file system at the same
    time. A killed process leaves a run that is shown as killed. Folders are made when the first
    run begins. Raises FileAccessError where the file system refuses.

    >>> import velaria
    >>> workspace = velaria.Workspace("workspace")
    >>> first = workspace.run_sql(velaria.Session(), "SELECT 1 AS x", name="first")
    >>> [(run["name"], run["status"], run["row_count"]) for run in workspace.runs()]
    [('first', 'succeeded', 1)]
    """

    def __init__(self, home: PathLike | None = None) -> None:
        given = home if home is not None else os.environ.get("VELARIA_HOME") or None
        self._home = Path(os.path.expanduser(given if given is not None else "~/.velaria"))
        self._runs = self._home / "runs"

    @property
    def home(self) -> Path:
        """The folder of the workspace."""
        return self._home

    # ---- making runs

    def start(self, action: str, inputs: Mapping[str, Any], name: str = "") -> RunRecorder:
        """A run that this process carries out and records step by step; see ``RunRecorder``.

        ``action`` says of what kind it is ("sql", "stream", ...), ``inputs`` is what inputs.json
        gets beside the working folder and versions.
        """
        try:
            self._runs.mkdir(parents=True, exist_ok=True)
            return RunRecorder(self._runs, action, shown_inputs(inputs), name, self._index)
        except OSError as error:
            raise _refused("a run cannot be recorded", self._home, error) from error

    def run_sql(
        self,
        session: Session,
        query: str,
        parameters: Any = None,
        *,
        name: str = "",
        inputs: Mapping[str, Any] | None = None,
        progress: Any = None,
    ) -> Run:
        """Runs a statement and keeps it: inputs, plans, progress, and its rows as an Arrow file.

        ``progress`` is that of ``DataFrame.cache``; the kernel's snapshots go to progress.jsonl.
        ``inputs`` adds to inputs.json. What readers guessed, or left out (on_error="skip"), is in
        the ``warnings`` of run.json. What the query raises is raised here too, and kept in
        run.json. Raises ImportError without pyarrow.
        """
        given = {"sql": query, "parameters": parameters, **(inputs or {})}
        with self.start("sql", given, name) as recorder:
            statement = session.sql(query, parameters)
            with contextlib.suppress(core.SqlUnsupportedError):  # statements without a plan
                recorder.write_explain(statement.explain())
            recorder.phase = "run"
            with statement.start() as running, progress_teller(progress) as told:

                def tell(moment: dict[str, Any]) -> None:
                    recorder.add_progress(running.snapshot_json())
                    if told is not None:
                        told(moment)

                rows = running.wait(progress=tell)
            # Rows that were computed know no more of their files.
            recorder.write_result(rows, statement.warnings)
        return recorder.run

    # ---- reading runs

    def run(self, run_id: str) -> Run:
        """A run by its id, or by the beginning of its id when only one run begins so, or "latest",
        or by its name: the newest run that was given it.

        Raises CatalogError, naming what fits.
        """
        known = self._run_ids()
        if run_id == "latest" and known:
            return Run(self._runs / known[-1])
        fitting = [known_id for known_id in known if run_id and known_id.startswith(run_id)]
        if run_id in fitting or len(fitting) == 1:
            return Run(self._runs / (run_id if run_id in fitting else fitting[0]))
        for entry in self.runs() if run_id else ():
            if entry["name"] == run_id:
                return Run(self._runs / entry["run_id"])
        if fitting:
            raise core.CatalogError(f"{run_id!r} begins {len(fitting)} runs: {_some(fitting)}")
        there = f"the newest are: {_some(known[::-1])}" if known else "it has none yet"
        raise core.CatalogError(f"workspace {self._home} has no run {run_id!r}; {there}")

    def runs(
        self, status: str | None = None, action: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """What a list shows of each run, the newest first; a part of run.json.

        ``status`` and ``action`` let only those through; ``limit`` is the most runs to give.
        """
        index = self._read_index()
        out: list[dict[str, Any]] = []
        for run_id in reversed(self._run_ids()):
            if limit is not None and len(out) >= limit:
                break
            entry = index.get(run_id)
            # What has ended does not change; everything else is looked at anew.
            if entry is None or entry.get("status") not in FINAL:
                try:
                    entry = _index_entry(Run(self._runs / run_id).record)
                except core.CatalogError:
                    continue  # it was deleted just now
            if status in (None, entry["status"]) and action in (None, entry["action"]):
                out.append(entry)
        return out

    def diff(self, left: str, right: str, key: Sequence[str] | None = None) -> dict[str, Any]:
        """How the results of two runs differ: schema, row counts, values.

        With ``key``, columns that name a row, changed rows are told from added and removed ones.
        Keys of the answer: same, left, right, schema, row_count, values.
        """
        return diff_runs(self.run(left), self.run(right), key)

    # ---- removing runs

    def cleanup(
        self,
        *,
        older_than_s: float | None = None,
        keep: int | None = None,
        max_size: int | str | None = None,
        dry_run: bool = False,
    ) -> CleanupResult:
        """Removes runs: those that ended or died, never one that goes on.

        ``older_than_s``: those that began more seconds ago. ``keep``: all but the newest so many.
        ``max_size``: the oldest ones, until the others take at most so much (bytes, "2GB",
        "512MiB"). Several conditions add up. ``dry_run`` only tells what would go. Raises
        InvalidArgumentError without a condition.
        """
        if older_than_s is None and keep is None and max_size is None:
            raise core.InvalidArgumentError(
                "cleanup needs a condition: older_than_s, keep or max_size"
            )
        if keep is not None and (not isinstance(keep, int) or isinstance(keep, bool) or keep < 0):
            raise core.InvalidArgumentError(f"keep={keep!r} must be an int, 0 or more")
        is_time = isinstance(older_than_s, (int, float)) and not isinstance(older_than_s, bool)
        if older_than_s is not None and not (is_time and older_than_s >= 0):
            raise core.InvalidArgumentError(
                f"older_than_s={older_than_s!r} must be a number of seconds, 0 or more; a day is "
                "86400"
            )
        most_bytes = None if max_size is None else memory_bytes(max_size)
        removed: list[str] = []
        freed = kept = kept_bytes = 0
        now = datetime.now(timezone.utc)
        for run_id in reversed(self._run_ids()):
            path = self._runs / run_id
            try:
                record = Run(path).record
            except core.CatalogError:
                continue
            size = folder_bytes(path)
            age_s = (now - _parse_time(record["created_at"])).total_seconds()
            goes = record["status"] != RUNNING and (
                (older_than_s is not None and age_s > older_than_s)
                or (keep is not None and kept >= keep)
                or (most_bytes is not None and kept_bytes + size > most_bytes)
            )
            if goes and (dry_run or self._delete(path)):
                removed.append(run_id)
                freed += size
            else:
                kept += 1
                kept_bytes += size
        if not dry_run:
            self._sweep()
            if removed:
                self._index_without(removed)
        return CleanupResult(removed, freed)

    def _delete(self, path: Path) -> bool:
        lock = FileLock(path / "lock")
        if not lock.take(wait=False):
            return False  # it lives, or somebody else deletes it
        try:
            hidden = path.with_name(_TRASH + path.name)
            os.rename(path, hidden)
            _remove_folder(hidden)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(f"run {path.name} cannot be removed", path, error) from error
        finally:
            lock.give_back()
        return True

    def _sweep(self) -> None:
        """Removes what processes left that died while they made or deleted a run."""
        for path in self._folders():
            if path.name.startswith(_TRASH):
                lock = FileLock(path / "lock")
                if lock.take(wait=False) or not path.exists():
                    _remove_folder(path)
                    lock.give_back()
        making = FileLock(self._home / MAKING_LOCK)
        if not self._runs.exists() or not making.take(wait=False):
            return  # somebody makes one; a later cleanup finds the leftovers
        try:
            for path in self._folders():
                if path.name.startswith(NEW):
                    _remove_folder(path)
        finally:
            making.give_back()

    # ---- the index

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self._runs.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refused("the workspace cannot be read", self._runs, error) from error

    def _run_ids(self) -> list[str]:
        return sorted(path.name for path in self._folders() if not path.name.startswith("."))

    def _read_index(self) -> dict[str, dict[str, Any]]:
        index = read_json(self._home / "index.json")
        if not isinstance(index, dict) or index.get("version") != _INDEX_VERSION:
            return {}
        runs = index.get("runs")
        return runs if isinstance(runs, dict) else {}

    def _index(self, run_id: str, record: Mapping[str, Any] | None) -> None:
        entry = None if record is None else _index_entry(record)
        self._change_index({run_id: entry})

    def _index_without(self, run_ids: Sequence[str]) -> None:
        self._change_index(dict.fromkeys(run_ids))

    def _change_index(self, changes: Mapping[str, dict[str, Any] | None]) -> None:
        with FileLock(self._home / "index.lock"):
            runs = self._read_index()
            there = set(self._run_ids())
            for run_id in there - runs.keys() - changes.keys():
                with contextlib.suppress(core.CatalogError):
                    runs[run_id] = _index_entry(Run(self._runs / run_id).record)
            for run_id, entry in changes.items():
                if entry is None:
                    runs.pop(run_id, None)
                else:
                    runs[run_id] = entry
            kept = {run_id: runs[run_id] for run_id in sorted(runs) if run_id in there}
            replace_json(self._home / "index.json", {"version": _INDEX_VERSION, "runs": kept})

    def __repr__(self) -> str:
        return f"Workspace({str(self._home)!r})"


def _remove_folder(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def _index_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record.get(key) for key in _INDEXED}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def _refused(what: str, path: Path, error: OSError) -> core.FileAccessError:
    return core.FileAccessError(f"{what}: {error.strerror or error} ({error.filename or path})")
