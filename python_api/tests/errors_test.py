"""Every kind of error: its class, what it also is, and what it says."""

import inspect
import os

import pytest
import velaria

ODD_CALLS = {
    "read_csv('a.csv', types={0: 'int64'})": "types: the column 0 is an int; .* give '0'",
    "read_csv('a.csv', types=5)": "types=5",
    "read_json('a.jsonl', types={0: 'int64'})": "types: the column 0",
    "read_line_file('a.csv', mappings={'a': 0}, types={0: 'int64'})": "types: the column 0",
    "read_excel('a.xlsx', types={2024: 'int64'})": "types: the column 2024 .* give '2024'",
    "read('a.csv', types={0: 'int64'})": "types: the column 0",
    "read('a.csv', types=5)": "types=5 is an int; give {column: type}",
    "read('a.csv', columns=5)": "columns=5 is an int; give {column: type} or names",
    "read('a.csv', columns=[0])": "columns: the column 0",
    "sql('SELECT 1 AS a').join(session.sql('SELECT 1 AS a'), on=5)": r"takes on as .*int \(5\)",
    "vector_search('v', 'v', [0, 1], columns=5)": "columns=5 must be a list",
}


@pytest.mark.parametrize("call", ODD_CALLS)
def test_arguments_of_other_kinds(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    with velaria.Session() as session:
        table = session.create_dataframe_from_arrow({"v": ["[0 1]"]})
        session.create_temp_view("v", table.select("CAST(v AS FLOAT[2]) AS v"))
        if "xlsx" in call:
            pytest.importorskip("openpyxl").Workbook().save("a.xlsx")
        with pytest.raises(velaria.InvalidArgumentError, match=ODD_CALLS[call]):
            eval(f"session.{call}")


def test_arguments_of_other_kinds_without_a_session(tmp_path):
    workspace = velaria.Workspace(tmp_path / "home")
    for call, text in [
        (lambda: velaria.Session(threads="4"), "threads='4' must be 1 to"),
        (lambda: velaria.Session(allowed_paths=5), "allowed_paths=5 is no list"),
        (lambda: velaria.group_rows_by_field([1], "a"), r"row 0 of rows is an int \(1\)"),
        (lambda: workspace.cleanup(older_than_s="30d"), "older_than_s='30d' must be a number"),
        (lambda: workspace.cleanup(keep="3"), "keep='3' must be an int"),
    ]:
        with pytest.raises(velaria.InvalidArgumentError, match=text):
            call()


ALSO = {
    "SqlSyntaxError": ValueError,
    "SqlSemanticError": ValueError,
    "SqlUnsupportedError": ValueError,
    "CatalogError": KeyError,
    "TableKindError": ValueError,
    "FileAccessError": OSError,
    "FileFormatError": ValueError,
    "TypeMismatchError": TypeError,
    "InvalidArgumentError": ValueError,
    "ResourceError": MemoryError,
    "CheckpointError": OSError,
    "StreamError": RuntimeError,
    "CancelledError": Exception,
    "InternalError": RuntimeError,
}


@pytest.mark.parametrize("name", ALSO)
def test_hierarchy(name):
    kind = getattr(velaria, name)
    assert issubclass(kind, velaria.Error)
    assert issubclass(kind, ALSO[name])
    assert kind.__module__ == "velaria"
    assert kind.__doc__
    assert str(kind("a 'plain' sentence")) == "a 'plain' sentence"


@pytest.fixture
def events(session):
    session.create_temp_view(
        "events", session.create_dataframe_from_arrow({"key": ["a"], "n": [1]})
    )


SQL = [
    ("SELEC 1", velaria.SqlSyntaxError, "did you mean 'SELECT'"),
    ("SELECT FROM events", velaria.SqlSyntaxError, "line 1:"),
    ("", velaria.SqlSyntaxError, ""),
    ("SELECT nn FROM events", velaria.SqlSemanticError, "did you mean 'n'"),
    ("SELECT * FROM event", velaria.CatalogError, "did you mean 'events'"),
    ("SELECT key + n FROM events", velaria.Error, "key"),
    ("SELECT nosuch(n) FROM events", velaria.SqlSemanticError, "nosuch"),
    ("SELECT key, sum(n) FROM events", velaria.SqlSemanticError, "key"),
]


@pytest.mark.parametrize(("query", "kind", "text"), SQL, ids=lambda v: str(v)[:40])
@pytest.mark.usefixtures("events")
def test_sql(session, query, kind, text):
    with pytest.raises(kind) as caught:
        session.sql(query)
    assert text in str(caught.value)
    assert session.sql("SELECT n FROM events").to_rows() == [{"n": 1}]


@pytest.mark.usefixtures("events")
def test_a_caret_points_at_the_place(session):
    with pytest.raises(velaria.SqlSemanticError) as caught:
        session.sql("SELECT n,\n       nope FROM events")
    lines = str(caught.value).splitlines()
    assert any("line 2:8" in line for line in lines)
    shown = next(i for i, line in enumerate(lines) if "nope FROM events" in line)
    assert lines[shown].index("nope") == lines[shown + 1].index("^")


def test_run_time_errors(session):
    frame = session.create_dataframe_from_arrow({"n": [2**62, 2**62], "t": ["5", "x"]})
    with pytest.raises(velaria.TypeMismatchError):
        frame.group_by().agg("sum(n) AS s").to_rows()
    with pytest.raises(velaria.TypeMismatchError, match="x"):
        frame.select("CAST(t AS BIGINT) AS v").to_rows()
    with pytest.raises(velaria.Error):
        frame.select("CAST(t AS BIGINT) AS v").to_arrow()
    assert frame.count() == 2


def test_verbs(session):
    frame = session.create_dataframe_from_arrow({"n": [1]})
    for call in (
        lambda: frame.filter("m > 1"),
        lambda: frame.select("n", "m"),
        lambda: frame.drop("m"),
        lambda: frame.order_by("m"),
        lambda: frame.group_by("m").agg("count(*)"),
    ):
        with pytest.raises(velaria.SqlSemanticError, match="m"):
            call()
    with pytest.raises(velaria.SqlSyntaxError):
        frame.filter("n >")
    with pytest.raises(velaria.Error):
        frame.limit(-1)


def test_files(session, tmp_path):
    missing = tmp_path / "missing.csv"
    for call in (session.read, session.read_csv, session.probe):
        with pytest.raises(velaria.FileAccessError, match=r"missing\.csv"):
            call(missing)
        with pytest.raises(OSError, match=r"missing\.csv"):
            call(str(missing))
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    for call in (session.read, session.probe):
        with pytest.raises(velaria.FileFormatError, match=r"empty\.csv"):
            call(empty)
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("a,b\n1,2\n3\n")
    with pytest.raises(velaria.FileFormatError, match="3"):
        session.read_csv(ragged).to_rows()
    assert session.read_csv(ragged, ragged="pad").to_rows()[1] == {"a": 3, "b": None}
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"a\nok\n\xff\xfe\n")
    with pytest.raises(velaria.FileFormatError):
        session.read_csv(broken).to_rows()
    with pytest.raises(velaria.Error):
        session.read_csv(tmp_path)
    with pytest.raises(velaria.InvalidArgumentError, match="path"):
        session.read_csv(5)


def test_paths_that_are_no_text(session, tmp_path):
    odd = os.path.join(os.fsencode(tmp_path), b"odd-\xff.csv")
    with open(odd, "wb") as file:
        file.write(b"a\n1\n")
    assert session.read_csv(os.fsdecode(odd)).to_rows() == [{"a": 1}]
    assert "odd-\ufffd.csv" in session.read_csv(os.fsdecode(odd)).explain()
    os.remove(odd)
    with pytest.raises(velaria.FileAccessError, match="odd-"):
        session.read_csv(os.fsdecode(odd))


def test_options(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n")
    with pytest.raises(velaria.InvalidArgumentError, match="did you mean 'header'"):
        session.read_csv(path, headr=True)
    with pytest.raises(velaria.InvalidArgumentError, match="ragged"):
        session.read_csv(path, ragged="maybe")
    with pytest.raises(velaria.InvalidArgumentError, match="types"):
        session.read_csv(path, types=[("a", "int64")])
    with pytest.raises(velaria.InvalidArgumentError, match="type"):
        session.read_csv(path, columns=["a", "b"])
    with pytest.raises(velaria.Error, match="did you mean 'timestamp'"):
        session.read_csv(path, types={"a": "timestmp"})
    with pytest.raises(velaria.Error):
        session.read_csv(path, types={"nope": "int64"}).to_rows()
    with pytest.raises(velaria.TypeMismatchError, match="x"):
        session.read_csv(path, types={"b": "int64"}).to_rows()


def test_allowed_paths(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").write_text("a\n1\n")
    session = velaria.Session(allowed_paths=[inside])
    assert session.read_csv(inside / "a.csv").count() == 1
    for path in (tmp_path / "b.csv", inside / ".." / "b.csv"):
        with pytest.raises(velaria.FileAccessError):
            session.read_csv(path)
    stream = session.create_stream_from_arrow({"x": [1]})
    with pytest.raises(velaria.Error):
        stream.write_stream(velaria.CsvFileSink(tmp_path / "out.csv")).start().await_termination()
    assert not (tmp_path / "out.csv").exists()


def test_errors_travel_between_processes():
    import pickle

    copy = pickle.loads(pickle.dumps(velaria.CatalogError("no table 't'")))
    assert type(copy) is velaria.CatalogError
    assert str(copy) == "no table 't'"


WRONG_ARGUMENTS = [
    (lambda s, f, q: s.sql(1), r"sql\(\) takes SQL as a str, not int \(1\)"),
    (lambda s, f, q: s.explain_sql(None), r"explain_sql\(\) takes SQL as a str, not NoneType"),
    (lambda s, f, q: s.stream_sql(b"SELECT 1"), r"stream_sql\(\) takes SQL as a str, not bytes"),
    (lambda s, f, q: s.table(1.5), r"table\(\) takes a name as a str, not float \(1.5\)"),
    (lambda s, f, q: s.create_temp_view("v", 1), "not an int; make one"),
    (lambda s, f, q: f.show("x"), r"show\(\) takes numbers of rows, not str"),
    (lambda s, f, q: f.to_numpy(0), r"to_numpy\(\) takes a name as a str, not int"),
    (lambda s, f, q: f.rename("x"), r"rename\(\) takes a dict such as \{'old': 'new'\}, not str"),
    (lambda s, f, q: f.rename({"n": 1}), r"rename\(\) takes a dict such as .*; 1 is int"),
    (lambda s, f, q: f.with_columns(["n"]), r"with_columns\(\) takes a dict .*, not list"),
    (lambda s, f, q: f.window("n", 0.5), r"window_ms=0.5 of window\(\) is float; give a whole"),
    (lambda s, f, q: f.window(1, 5), r"window\(\) takes SQL as a str, not int"),
    (lambda s, f, q: s.read_json("x", columns=1), "columns=1 is no list of names"),
    (lambda s, f, q: s.read_json("x", columns=[1]), r"columns: 1 is no name and no \(name, type"),
    (lambda s, f, q: s.read_line_file("x", mappings=1), "mappings=1 is no dict"),
    (lambda s, f, q: s.create_realtime_stream_source({"n": "int64"}).push_rows(1), "an int is no"),
    (
        lambda s, f, q: q.await_termination(0.5),
        "timeout_ms=0.5 of await_termination.* milliseconds",
    ),
]


@pytest.mark.parametrize(("call", "text"), WRONG_ARGUMENTS, ids=lambda v: str(v)[:30])
def test_arguments_of_a_wrong_type(session, call, text):
    frame = session.create_dataframe_from_arrow({"n": [1]})
    query = session.create_stream_from_arrow({"n": [1]}).write_stream(velaria.MemorySink())
    with pytest.raises(velaria.InvalidArgumentError, match=text):
        call(session, frame, query)


def test_a_cast_tells_the_expression(session):
    session.create_temp_view("t", session.create_dataframe_from_arrow({"price": ["1,5"]}))
    with pytest.raises(velaria.TypeMismatchError, match=r"'1,5' from utf8.*\nin CAST\(price AS "):
        session.sql("SELECT CAST(price AS DOUBLE) FROM t").to_rows()


def test_values_that_sql_can_convert(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day;price;n\n31.01.2026;1,5;x\n")
    for types, advice in (
        ({"day": "date32"}, r"in columns or types: as utf8, SQL's strptime\(\) converts it$"),
        ({"price": "float64"}, r"in columns or types: as utf8, SQL's replace\(\) and CAST conv"),
        ({"n": "float64"}, "in columns or types$"),
    ):
        with pytest.raises(velaria.TypeMismatchError, match=advice):
            session.read_csv(path, delimiter=";", types=types).to_rows()


def test_files_for_arrow(session, tmp_path):
    frame = session.create_dataframe_from_arrow({"n": [1]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_arrow(tmp_path / "t.arrow")
    for name, reader in (("t.parquet", "parquet"), ("t.arrow", "feather")):
        with pytest.raises(velaria.FileFormatError, match=rf"as pyarrow.{reader}.read_table\(\)"):
            session.read(tmp_path / name)


class Odd:
    """A thing that no argument takes."""

    def __repr__(self):
        return "Odd()"


def calls_with_odd_arguments(kind):
    for name, method in vars(kind).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        parameters = list(inspect.signature(method).parameters.values())[1:]
        named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        needed = {one.name: "x" for one in named if one.default is one.empty}
        for one in named:
            yield name, {**needed, one.name: Odd()}


def what_it_says(method, arguments):
    """Empty when it takes the arguments; whatever is no error of Velaria's goes on."""
    try:
        answer = method(**arguments)
        if inspect.iscoroutine(answer):
            answer.close()
    except (velaria.Error, ImportError) as error:
        return str(error)
    return ""


def test_an_argument_of_another_type_is_named(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = session.create_dataframe_from_arrow({"n": [1]})
    stream = session.create_stream_from_arrow({"n": [1]})
    things = [
        session,
        frame,
        frame.group_by("n"),
        stream,
        stream.group_by("n"),
        velaria.MemorySink(),
        session.create_realtime_stream_sink(),
        session.create_realtime_stream_source({"n": "int64"}),
    ]
    calls = refused = 0
    for thing in things:
        for kind in type(thing).__mro__[:-1]:
            for name, arguments in calls_with_odd_arguments(kind):
                calls += 1
                said = what_it_says(getattr(thing, name), arguments)
                refused += bool(said)
                assert "incompatible" not in said, (name, arguments)
    assert calls > 100
    assert refused > calls * 0.9
    with pytest.raises(
        velaria.InvalidArgumentError, match=r"^drop_function\(\) cannot take name=5 \(int\)"
    ):
        session.drop_function(5)
    with pytest.raises(velaria.InvalidArgumentError, match=r"takes max_batches: int$"):
        velaria.RealtimeStreamSink("many")
    with pytest.raises(velaria.InvalidArgumentError, match="timeout='x' must be seconds"):
        session.create_realtime_stream_sink().poll_rows(timeout="x")
