"""Every Python block and every command of the docs runs, and prints what the page says."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
)
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


class Block:
    """A fenced block of a page."""

    def __init__(self, page, match):
        indent = match[1]
        self.language = match[2]
        self.line = page[: match.start()].count("\n") + 2
        lines = match[3].splitlines()
        self.text = "\n".join(line[len(indent) :] for line in lines) + "\n"


def blocks_of(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    return [Block(page, match) for match in _FENCE.finditer(page)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the data that the pages speak of, as the working folder."""
    target = tmp_path / "data"
    shutil.copytree(ROOT / "examples" / "data", target)
    monkeypatch.chdir(target)
    monkeypatch.setenv("VELARIA_HOME", str(tmp_path / "home"))
    return target


def test_pages_are_found():
    assert len(PAGES) > 15
    assert sum(block.language == "python" for name in PAGES for block in blocks_of(name)) >= 40


@pytest.mark.parametrize("name", PAGES)
def test_python_blocks_run(name, folder):
    blocks = blocks_of(name)
    names = {"__name__": "page"}
    for place, block in enumerate(blocks):
        if block.language != "python":
            continue
        printed = io.StringIO()
        # Errors show the line of the page.
        code = compile("\n" * (block.line - 1) + block.text, name, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        following = blocks[place + 1] if place + 1 < len(blocks) else None
        if following is not None and following.language == "text":
            assert printed.getvalue() == following.text, f"{name}:{following.line}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_run(name, folder):
    commands = [
        line[2:]
        for block in blocks_of(name)
        if block.language == "console"
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for command in commands:
        call = f'set -o pipefail; velaria() {{ "{sys.executable}" -m velaria "$@"; }}; {command}'
        done = subprocess.run(
            ["bash", "-c", call], capture_output=True, text=True, env=environment, timeout=300,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_links_lead_somewhere():
    link = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
    for name in PAGES:
        page = _FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
        for target in link.findall(page):
            if "://" not in target:
                assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_the_reference_of_commands_is_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_cli_reference.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8"), (
        "run scripts/build_docs.sh --generate"
    )
