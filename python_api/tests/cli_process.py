"""The command `velaria` for tests: as a process of its own, on a pipe or on a terminal."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

FLIGHTS = "carrier,delay,day\nAA,5,2024-01-01\nUA,,2024-01-02\n,-3,2024-01-03\nAA,60,2024-01-04\n"

# Hours of work.
ENDLESS = "SELECT count(*) AS c FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n"


class Cli:
    """Calls `velaria` in a folder with a workspace of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            **os.environ,
            "VELARIA_HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "COLUMNS": "120",
        }

    def command(self, *arguments):
        return [sys.executable, "-m", "velaria", *map(str, arguments)]

    def __call__(self, *arguments, code=0, text=None, binary=False):
        done = subprocess.run(
            self.command(*arguments),
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=not binary,
            cwd=self.folder,
            env=self.environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in str(done.stderr)
        return done

    def json(self, *arguments, code=0, text=None):
        answer = json.loads(self(*arguments, code=code, text=text).stdout)
        assert answer["ok"] is (code in (0, 4))
        return answer

    def start(self, *arguments, **options):
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment,
            **options,
        )

    @contextlib.contextmanager
    def live(self, *arguments, **options):
        """A process of ``start``, killed at the end of the block, or when that takes too long."""
        process = self.start(*arguments, **options)
        watchdog = threading.Timer(300, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):  # what could not be written to it
                    if stream is not None:
                        stream.close()


def without_steering(seen):
    """The text of what a terminal got: no colours, no moves of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode(errors="replace"))


def on_terminal(cli, *arguments, keys=(), timeout_s=300):
    """Runs a command on a terminal; types each key text after its prompt was seen."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(cli.folder)
        os.environ.update(cli.environment, TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, cli.command(*arguments))
    seen = b""
    typed = 0
    waiting = list(keys)
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        ready, _, _ = select.select([handle], [], [], 0.1)
        if ready:
            try:
                block = os.read(handle, 65536)
            except OSError:
                break
            if not block:
                break
            # A terminal answers when it is asked where its cursor is.
            if b"\x1b[6n" in block:
                os.write(handle, b"\x1b[1;1R")
            seen += block
        # What was typed before may be on the screen again; only what is new counts.
        if waiting and waiting[0][0] in without_steering(seen[typed:]):
            typed = len(seen)
            os.write(handle, waiting.pop(0)[1].encode())
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail(f"still running, seen: {seen[-2000:]!r}")
    _, status = os.waitpid(pid, 0)
    os.close(handle)
    return os.waitstatus_to_exitcode(status), without_steering(seen)
