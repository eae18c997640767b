"""What a run was made on and with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from .stages import ROOT


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError:
        return ""
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else ""


def _value_in(path: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def machine() -> dict[str, str]:
    memory_kib = _value_in("/proc/meminfo", r"^MemTotal: +(\d+) kB")
    return {
        "processor": _value_in("/proc/cpuinfo", r"^model name\s*: (.*)$") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory_kib) / 2**20:.0f} GiB" if memory_kib else "",
        "kernel": f"{platform.system()} {platform.release()}",
        "system": _value_in("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
    }


def _package_version(environment: str, package: str) -> str:
    python = ROOT / environment / "bin" / "python"
    code = f"import importlib.metadata as m; print(m.version('{package}'))"
    return _first_line(str(python), "-c", code)


def versions() -> dict[str, str]:
    version = ROOT / "python_api" / "velaria" / "_version.py"
    commit = _first_line("git", "rev-parse", "--short=12", "HEAD")
    if commit and _first_line("git", "status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    return {
        "velaria": _value_in(str(version), r'^__version__ = "(.*)"$'),
        "commit": commit,
        "compiler": _first_line(os.environ.get("CXX", "g++"), "--version"),
        "clang": _first_line("clang++", "--version"),
        "python": _first_line(str(ROOT / ".venv" / "bin" / "python"), "--version"),
        "pyarrow": _package_version(".venv", "pyarrow"),
        "duckdb": _package_version(".venv-bench", "duckdb"),
    }
