"""Files that other processes may read, write or delete at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def replace_json(path: Path, value: Any) -> None:
    """Readers see the old file or the new one whole, also after a power failure."""
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


class WholeFile(io.FileIO):
    """A file without a buffer that takes all it is given: FileIO's may take a part, and say so."""

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            rest = rest[super().write(rest) :]
        return size

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What is written inside is not there when that fails, as on a full disk: readers would
        take what comes behind a part for its rest."""
        begin = self.seek(0, os.SEEK_END)
        try:
            yield
        except BaseException:
            self.truncate(begin)
            self.seek(begin)
            raise


def sync_folder(path: Path) -> None:
    """What was created, renamed or removed in a folder outlives a power failure."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any:
    """The value of a file; None when it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def json_lines(path: Path) -> Iterator[str]:
    """The whole lines of a file that may still grow, without their ends."""
    try:
        file = open(path, encoding="utf-8")  # noqa: SIM115  (a generator keeps it)
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith("\n"):
                yield line[:-1]


def last_line(path: Path, most_bytes: int = 1 << 16) -> str | None:
    """The last whole line of a file, however long the file is; None without one."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most_bytes))
            end = file.read()
    except FileNotFoundError:
        return None
    lines = end[: end.rfind(b"\n") + 1].splitlines()
    return lines[-1].decode("utf-8", "replace") if lines else None


def folder_bytes(path: Path) -> int:
    """The size of all files in a folder; what vanishes meanwhile does not count."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


class FileLock:
    """A lock that the system gives back when its process dies, in whatever way.

    ``exclusive`` keeps everybody out, otherwise only those who want it for themselves.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        self._path = path
        self._exclusive = exclusive
        self._handle: int | None = None

    def take(self, *, wait: bool = True) -> bool:
        """Whether the lock is ours now. False only without ``wait``, or when its folder is gone."""
        try:
            # Python's handles are closed in programs that this process starts.
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            return False
        try:
            kind = fcntl.LOCK_EX if self._exclusive else fcntl.LOCK_SH
            fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return True

    def give_back(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> FileLock:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock for itself."""
    lock = FileLock(path, exclusive=False)
    if not lock.take(wait=False):
        return path.parent.exists()
    lock.give_back()
    return False
