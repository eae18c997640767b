"""Every Python block and every command of the docs runs, and prints what the page says."""

import contextlib
import functools
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types

import pytest
import velaria
from bitable_server import APP_ID, APP_SECRET, APP_TOKEN, BitableServer

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


def test_sql_blocks_run():
    with velaria.Session() as session:
        for statement in (
            "CREATE TABLE docs (title VARCHAR, lang VARCHAR, embedding FLOAT[2])",
            "INSERT INTO docs VALUES ('here', 'en', [0.1, 0.3]), ('da', 'de', [0.1, 0.2])",
            "CREATE TABLE a AS SELECT 1 AS id, CAST([0.5, 0.5] AS FLOAT[2]) AS v",
            "CREATE TABLE b AS SELECT * FROM a",
            "CREATE TABLE edges AS SELECT * FROM (VALUES (1, 2), (2, 3), (7, 8)) e(a, b)",
        ):
            session.sql(statement)
        blocks = [block for name in PAGES for block in blocks_of(name) if block.language == "sql"]
        assert len(blocks) >= 2
        for block in blocks:
            for statement in session.split_statements(block.text):
                assert session.sql(statement).to_rows()


def test_the_bitable_page_runs_against_a_server():
    (block,) = (b for b in blocks_of("docs/bitable.md") if b.language == "py")
    with BitableServer() as server, velaria.Session() as session:
        owners = [[{"id": "ou_1", "name": "Ada"}], [{"id": "ou_2", "name": "Bo"}] * 2]
        fields = [("Task", 1), ("Owner", 11)]
        table_id = server.add_table("tasks", fields, [{"Owner": owner} for owner in owners])
        sink = velaria.MemorySink()
        address = functools.partial(velaria.BitableClient, base_url=server.address)
        package = {name: getattr(velaria, name) for name in velaria.__all__}
        names = {
            "velaria": types.SimpleNamespace(**{**package, "BitableClient": address}),
            "session": session,
            "sink": sink,
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "app_token": APP_TOKEN,
            "table_id": table_id,
        }
        code = block.text.replace("session.start_stream_sql", "query = session.start_stream_sql")
        exec(compile(code, "docs/bitable.md", "exec"), names)
        names["query"].await_termination(60_000)
        assert {(row["Owner"], row["n"]) for row in sink.to_rows()} >= {("Ada", 1), ("Bo", 2)}


def test_blocks_of_cpp_are_those_that_are_compiled():
    test = (ROOT / "tests" / "docs" / "cpp_blocks_test.cc").read_text(encoding="utf-8")
    compiled = "\n".join(line.strip() for line in test.splitlines())
    # The headers themselves are no examples.
    pages = [name for name in PAGES if name != "docs/reference/cpp.md"]
    blocks = [block for name in pages for block in blocks_of(name) if block.language == "cpp"]
    assert len(blocks) >= 3
    for block in blocks:
        lines = [line.strip() for line in block.text.splitlines() if "#include" not in line]
        assert "\n".join(lines).strip() in compiled, block.text


def test_every_block_is_of_a_kind_that_is_tested():
    tested = {"python", "py", "console", "cpp", "sql", "text", "json", ""}
    kinds = {(name, block.language) for name in PAGES for block in blocks_of(name)}
    assert {(name, kind) for name, kind in kinds if kind not in tested} == set()


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


def test_the_page_of_the_contract_has_every_field_of_progress():
    page = (ROOT / "docs" / "runtime-contract.md").read_text(encoding="utf-8")
    with velaria.Session() as session:
        stream = session.create_stream_from_arrow({"n": [1]})
        fields = list(stream.write_stream(velaria.MemorySink()).progress())
    assert len(fields) > 37
    assert [field for field in fields if f"`{field}`" not in page] == []
