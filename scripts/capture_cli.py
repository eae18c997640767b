#!/usr/bin/env python3
"""Takes pictures of the command line on a terminal, as SVG files in a folder.

    scripts/capture_cli.py FOLDER

Every picture is what a command wrote to a pseudo terminal; of the live view, its last panel.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 104

_DELAYS = "SELECT carrier, avg(arr_delay) AS mean FROM 'flights.csv' GROUP BY carrier"
_COUNTS = "SELECT sensor, count(*) AS n FROM e GROUP BY sensor"
RUNS = [
    f'velaria run start --name delays sql "{_DELAYS}"',
    f'velaria run start --name sensors stream --source e=events "{_COUNTS}"',
    "velaria run start --name typo sql \"SELECT carier FROM 'flights.csv'\"",
    f'velaria run start --name "delays again" sql "{_DELAYS}"',
]
PICTURES = {
    "cli_sql": [
        "velaria sql \"SELECT carrier, count(*) AS flights, round(avg(arr_delay), 1) AS mean_min "
        "FROM 'flights.csv' GROUP BY carrier ORDER BY mean_min DESC\"",
        "velaria sql \"SELECT carier FROM 'flights.csv'\"",
    ],
    "cli_probe": ["velaria probe flights.csv"],
    "cli_runs": ["velaria run list", "velaria run result latest --rows 3"],
    "cli_stream": [
        "velaria stream --source e=events -o minutes.csv \"SELECT w, sensor, avg(value) AS mean "
        "FROM e WINDOW BY at EVERY 60000 AS w GROUP BY w, sensor\"",
    ],
}  # fmt: skip

# Where the cursor goes back over a live view, and what only steers.
_REDRAW = re.compile(r"(?:\r|\x1b\[1A|\x1b\[2K)+")
_STEERING = re.compile(r"\x1b\[\?[0-9]+[hl]|\x1b\[[0-9]*[A-KSTd]")


def on_terminal(command: str, folder: Path) -> str:
    """What a command writes to a terminal of WIDTH columns."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(folder)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        os.environ.update(
            PATH=path, PYTHONPATH=str(ROOT / "python_api"), TERM="xterm-256color",
            COLUMNS=str(WIDTH), LINES="40", VELARIA_HOME=str(folder.parent / ".velaria"),
        )  # fmt: skip
        code = f'velaria() {{ "{sys.executable}" -m velaria "$@"; }}; {command}'
        os.execvp("bash", ["bash", "-c", code])
    out = b""
    while True:
        try:
            block = os.read(handle, 65536)
        except OSError:
            break
        if not block:
            break
        out += block
    os.waitpid(pid, 0)
    os.close(handle)
    # The same picture wherever it was taken.
    return out.decode().replace("\r\n", "\n").replace(str(folder.parent), "/home/ada")


def last_frame(text: str) -> str:
    """What stays on the screen; of a view that is wiped, the newest one and what follows it."""
    parts = [part for part in _REDRAW.split(text) if part.strip()]
    panels = [part for part in parts if "╭" in part]
    if not panels:
        return _STEERING.sub("", "\n".join(parts))
    return _STEERING.sub("", panels[-1].rstrip() + "\n" + parts[-1])


def picture(commands: list[str], folder: Path) -> str:
    """The commands and their outputs as one SVG."""
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        for command in commands:
            console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
            console.print(Text.from_ansi(last_frame(on_terminal(command, folder)).rstrip()))
        # A fixed name for its parts: the same picture is the same file.
        return console.export_svg(title="velaria", unique_id="velaria")


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        shutil.copytree(ROOT / "examples" / "data", folder)
        for command in RUNS:
            on_terminal(command, folder)
        for picture_name, commands in PICTURES.items():
            svg = picture(commands, folder)
            # The pictures stand alone: no font is fetched from elsewhere.
            svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
            (target / f"{picture_name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
