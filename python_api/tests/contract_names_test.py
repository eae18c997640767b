"""The package has the names that the contract matrix has, and the matrix those of the package."""

import inspect
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import velaria
import velaria.testing

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[2] / "tests" / "contract"


def rows_of(part):
    found = tomllib.loads((FOLDER / f"{part}.toml").read_text(encoding="utf-8"))
    return [name for group in found["group"] for name in group["rows"]]


def kinds_of(part):
    """{kind: names} of a part whose groups have rows of one kind each."""
    found = tomllib.loads((FOLDER / f"{part}.toml").read_text(encoding="utf-8"))
    out = {}
    for group in found["group"]:
        out.setdefault(group["kind"], []).extend(group["rows"])
    return out


def python_parts():
    index = tomllib.loads((FOLDER / "contract_matrix.toml").read_text(encoding="utf-8"))
    return index["python_parts"]


def own_attributes(thing):
    """The public attributes that classes of the package define; not those of dict or Exception."""
    for name in dir(thing):
        if name.startswith("_"):
            continue
        owner = next(kind for kind in thing.__mro__ if name in vars(kind))
        if owner.__module__.partition(".")[0] == "velaria":
            yield name


def public_names(exported):
    """The names of a module and of its classes: `Session`, `Session.read`."""
    names = set()
    for name, thing in exported.items():
        names.add(name)
        if inspect.isclass(thing):
            names.update(f"{name}.{attribute}" for attribute in own_attributes(thing))
    return names


EXPORTED = {name: getattr(velaria, name) for name in velaria.__all__}
TESTING = {
    f"testing.{name}": thing
    for name, thing in vars(velaria.testing).items()
    if not name.startswith("_") and getattr(thing, "__module__", "") == "velaria.testing"
}


def test_every_public_name_has_a_row():
    rows = {name for part in python_parts() for name in rows_of(part)}
    names = public_names({**EXPORTED, **TESTING})
    assert len(names) > 250
    assert sorted(names - rows) == []


def test_every_row_is_a_name_of_the_package():
    for part in python_parts():
        for row in rows_of(part):
            place, thing = row.split("."), velaria
            for word in place:
                assert hasattr(thing, word), row
                thing = getattr(thing, word)


def test_a_name_without_a_row_is_seen():
    """The comparison itself: a method, a property and a class that nobody wrote down."""

    class Frame(velaria.DataFrame):
        __module__ = "velaria"

        def shine(self):
            return self

        @property
        def colour(self):
            return "red"

    names = public_names({**EXPORTED, "Frame": Frame})
    assert {"Frame", "Frame.shine", "Frame.colour"} <= names
    assert "Progress.items" not in names
    assert "CatalogError.args" not in names


@pytest.fixture
def query():
    with velaria.Session() as session:
        table = pa.table({"n": list(range(10))})
        stream = session.create_stream_from_arrow(table, batch_rows=5)
        running = stream.write_stream(velaria.MemorySink()).start()
        running.await_termination(60_000)
        yield running


def test_the_rows_of_progress_are_its_fields(query):
    fields = kinds_of("progress")["field"]
    assert list(query.progress()) == fields
    assert list(json.loads(query.snapshot_json())) == fields


def test_the_rows_of_batch_records_are_their_fields(query):
    assert list(query.recent_progress()[0]) == kinds_of("batch_records")["field"]


def test_the_rows_of_batch_queries_are_their_progress():
    with velaria.Session() as session:
        running = session.sql("SELECT 1 AS x").start()
        running.wait()
        fields = kinds_of("batch_query_progress")["field"]
        assert list(running.progress()) == list(json.loads(running.snapshot_json())) == fields


def test_the_rows_of_explain_are_its_lines():
    with velaria.Session() as session:
        table = pa.table({"t": pa.array([0], pa.timestamp("ms"))})
        session.create_temp_view("e", session.create_stream_from_arrow(table))
        # Two lines are there only where they are given, and exclude each other.
        windows = "SELECT w, count(*) AS n FROM e WINDOW BY t EVERY 1000 AS w GROUP BY w"
        said = {}
        for option in ("max_retained_windows", "window_retention_ms"):
            text = str(session.explain_stream_sql(windows, **{option: 5000}))
            lines = text.partition("strategy\n")[2].splitlines()
            said.update(dict.fromkeys(line.strip().split("=", 1)[0] for line in lines))
    assert set(said) | {"logical", "physical", "strategy"} == set(kinds_of("explain")["field"])


def test_the_rows_of_the_probe_are_its_keys(tmp_path):
    texts = {
        "a.csv": "a,b\n1,2\n",
        "b.jsonl": '{"a": 1}\n',
        "c.log": "2026-01-01 10:00:00 INFO up\n",
        "d.txt": "a 1\nb 2\n",
    }
    keys = set()
    with velaria.Session() as session:
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
            keys |= set(session.probe(tmp_path / name))
    assert keys == set(kinds_of("files")["field"])


def test_the_rows_of_commands_are_those_that_there_are():
    click = pytest.importorskip("click")
    from velaria._cli._app import app

    def names(command, path):
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from names(inner, (*path, name))
        else:
            yield " ".join(path)

    commands = {"run start" if name.startswith("run start ") else name for name in names(app, ())}
    # One command has a second name, which --help does not list.
    assert commands | {"file-sql"} == set(kinds_of("cli")["name"])


def test_the_rows_of_file_options_are_those_that_readers_take(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a\n1\n")
    rows = {}
    for row in kinds_of("file_options")["option"]:
        reader, _, name = row.partition(".")
        rows.setdefault(reader, set()).add(name)
    with velaria.Session() as session:
        readers = {
            "csv": session.read_csv,
            "json": session.read_json,
            "line": session.read_line_file,
        }
        for reader, read in readers.items():
            # What there is, is told to who asks for something else.
            with pytest.raises(velaria.InvalidArgumentError) as caught:
                read(path, nothing_like_it=1)
            told = str(caught.value).partition("the options are ")[2].split(", ")
            assert set(told) == rows[reader] | rows["files"], reader


def test_the_rows_of_options_are_those_that_queries_take():
    rows = rows_of("stream_options")
    with velaria.Session() as session:
        stream = session.create_stream_from_arrow({"n": [1]})
        for name in rows:
            # Taken, or refused for its value; a name that there is not is refused for itself.
            refusal = ""
            try:
                stream.write_stream(velaria.MemorySink(), **{name: object()})
            except velaria.Error as error:
                refusal = str(error)
            assert f"no stream option '{name}'" not in refusal
        with pytest.raises(velaria.InvalidArgumentError, match="no stream option 'max_batchez'"):
            stream.write_stream(velaria.MemorySink(), max_batchez=1)


def test_the_rows_of_vectors_are_the_lines_of_its_explanation():
    column = pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))
    with velaria.Session() as session:
        frame = session.create_dataframe_from_arrow(pa.table({"v": column}))
        session.create_temp_view("t", frame)
        lines = session.explain_vector_search("t", "v", [1, 2]).splitlines()
    assert [line.partition("=")[0] for line in lines] == kinds_of("vectors")["field"]
