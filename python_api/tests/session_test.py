"""Sessions and batch frames, against plain Python."""

import asyncio
import copy
import gc
import json
import pickle
import subprocess
import sys
import threading
import time
import weakref

import pandas
import pyarrow as pa
import pytest
import velaria
from random_tables import random_table

FLIGHTS = {
    "carrier": ["AA", "UA", None, "AA", "UA", "AA"],
    "delay": [5, None, 7, -3, 60, 5],
    "distance": [100.5, 200.0, 300.25, 400.0, 500.0, 100.5],
}


@pytest.fixture
def flights(session):
    frame = session.create_dataframe_from_arrow(FLIGHTS)
    session.create_temp_view("flights", frame)
    return frame


def test_verbs_are_the_same_sql(session, flights):
    verbs = (
        flights.filter("delay > 0")
        .with_column("hours", "delay / 60.0")
        .group_by("carrier")
        .agg("count(*) AS n", "sum(delay) AS total", "max(hours) AS hours")
        .order_by("n DESC", "carrier")
    )
    sql = session.sql(
        "SELECT carrier, count(*) AS n, sum(delay) AS total, max(delay / 60.0) AS hours "
        "FROM flights WHERE delay > 0 GROUP BY carrier ORDER BY n DESC, carrier"
    )
    assert verbs.to_rows() == sql.to_rows()
    assert verbs.columns == ["carrier", "n", "total", "hours"]
    assert [row["carrier"] for row in verbs.to_rows()] == ["AA", "UA", None]


def test_each_verb(flights):
    assert flights.select("carrier", "delay + 1 AS d").limit(1).to_rows() == [
        {"carrier": "AA", "d": 6}
    ]
    assert flights.select(["delay"]).columns == ["delay"]
    assert flights.drop("delay", "distance").columns == ["carrier"]
    assert flights.distinct().count() == 5
    assert [r["delay"] for r in flights.order_by("delay").to_rows()] == [-3, 5, 5, 7, 60, None]
    assert [r["delay"] for r in flights.limit(2, offset=2).to_rows()] == [7, -3]
    assert flights.group_by().agg("count(delay) AS n").to_rows() == [{"n": 5}]
    with pytest.raises(velaria.InvalidArgumentError, match="SQL texts"):
        flights.select(5)
    with pytest.raises(velaria.InvalidArgumentError):
        flights.select()


def test_random_groups_against_python(session, rng):
    table = random_table(rng, 200, ["int8", "int64", "utf8"])
    expected = {}
    for row in table.to_pylist():
        if row["int8"] is not None and row["int8"] > 0:
            key = row["utf8"]
            n, most = expected.get(key, (0, None))
            value = row["int64"]
            if value is not None:
                most = value if most is None else max(most, value)
            expected[key] = (n + 1, most)
    frame = session.create_dataframe_from_arrow(table).filter("int8 > 0")
    rows = frame.group_by("utf8").agg("count(*) AS n", "max(int64) AS most").to_rows()
    assert {row["utf8"]: (row["n"], row["most"]) for row in rows} == expected
    assert len(rows) == len(expected)


def test_random_order_against_python(session, rng):
    table = random_table(rng, 200, ["int8", "utf8"])
    frame = session.create_dataframe_from_arrow(table).order_by("int8 DESC", "utf8")
    rows = table.to_pylist()
    rows.sort(key=lambda r: (r["utf8"] is None, (r["utf8"] or "").encode()))
    rows.sort(key=lambda r: (r["int8"] is None, -(r["int8"] or 0)))
    assert frame.to_rows() == rows


def test_windows_of_a_batch(session):
    times = pa.array([0, 4999, 5000, -1], pa.timestamp("ms"))
    frame = session.create_dataframe_from_arrow(pa.table({"t": times}))
    starts = frame.window("t", 5000).to_arrow().column("window_start")
    assert starts.cast(pa.timestamp("ms")).cast(pa.int64()).to_pylist() == [0, 0, 5000, -5000]
    sliding = frame.window("t", 10000, "w", slide_ms=5000)
    assert sliding.count() == 8


def test_same_names_are_not_lost(session):
    frame = session.sql("SELECT 1 AS a, 2 AS a")
    with pytest.raises(velaria.InvalidArgumentError, match="'a'"):
        frame.to_rows()
    assert frame.to_arrow().num_columns == 2


def test_tables(session, flights):
    assert session.tables() == ["flights"]
    assert session.table("FLIGHTS").count() == 6
    session.sql("CREATE TABLE late AS SELECT * FROM flights WHERE delay > 5")
    assert sorted(session.tables()) == ["flights", "late"]
    with pytest.raises(velaria.InvalidArgumentError, match="create_dataframe_from_arrow"):
        session.create_temp_view("x", [1, 2])


def test_shown_to_people(session, capsys):
    frame = session.create_dataframe_from_arrow({"<b>": ["<script>", None, "x"]})
    frame.show(2)
    shown = capsys.readouterr().out
    assert "<script>" in shown
    html = frame._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;" in html
    assert "NULL" in html
    assert repr(frame) == "DataFrame(<b>: utf8)"
    many = session.create_dataframe_from_arrow({"n": list(range(50))})
    assert "more rows" in many._repr_html_()
    assert '<td style="text-align:right">7</td>' in many._repr_html_()
    span = session.sql("SELECT INTERVAL '1 day' AS i")
    assert '<td style="text-align:left">1 day</td>' in span._repr_html_()
    assert many._repr_html_().count("<tr>") == 21


def test_plans_and_files_shown_to_people(session, tmp_path):
    (tmp_path / "<i>.csv").write_text("<b>,n\nx,1\ny,2\n")
    found = session.probe(tmp_path / "<i>.csv")
    assert isinstance(found, dict)
    shown = found._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "int64" in shown
    assert "<b>" not in shown.replace("<b>logical", "")
    assert "[" not in shown.replace("timestamp[us]", "")
    stream = session.create_stream_from_arrow({"<u>": [1]})
    assert "&lt;u&gt;" in stream._repr_html_()
    assert "int64" in stream._repr_html_()
    plan = session.explain_sql("SELECT '<script>' AS x")
    assert isinstance(plan, str)
    assert plan == str(plan)
    assert "<script>" not in plan._repr_html_()
    for heading in ("logical", "optimized", "physical"):
        assert f"<b>{heading}</b>" in plan._repr_html_()
    query = session.create_stream_from_arrow({"n": [1]}).write_stream(velaria.MemorySink())
    assert "created" in query._repr_html_()
    query.stop()
    assert query.progress()["query_id"] in query._repr_html_()
    json.dumps(query.progress())


def test_a_stream_is_awaited(session):
    async def wait():
        source = session.create_realtime_stream_source({"n": "int64"})
        sink = session.create_realtime_stream_sink()
        query = session.read_realtime_stream_source(source).write_stream(sink).start()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(query.result(), 0.2)
        assert query.status == "running"
        source.push_rows([(1,), (2,)])
        source.close()
        seen = [row["n"] async for table in sink for row in table.to_pylist()]
        return await query.result(), seen

    assert asyncio.run(wait()) == (1, [1, 2])


def test_scripts_are_split(session):
    assert session.split_statements("SELECT 1; ; SELECT ';' -- ;\n;") == ["SELECT 1", "SELECT ';'"]
    assert session.split_statements(" -- nothing") == []
    with pytest.raises(velaria.SqlSyntaxError):
        session.split_statements("SELECT 'open;")


def test_verbs_over_two_frames(session):
    a = session.create_dataframe_from_arrow({"k": [1, 2, 2, None], "x": ["a", "b", "c", "d"]})
    b = session.create_dataframe_from_arrow({"k": [2, 3, None], "y": [0.5, 1.5, 2.5]})

    def tuples(frame):
        return [tuple(row.values()) for row in frame.to_rows()]

    assert tuples(a.join(b, "k")) == tuples(a.join(b, ["k"]))
    assert tuples(a.join(b, ["k"])) == [(2, "b", 0.5), (2, "c", 0.5)]
    assert a.join(b, ["k"], how="left").count() == 4
    assert a.join(b, ["k"], how="right").count() == 4
    assert a.join(b, ["k"], how="full").count() == 6
    assert tuples(a.join(b, ["k"], how="semi")) == [(2, "b"), (2, "c")]
    assert tuples(a.join(b, ["k"], how="anti")) == [(1, "a"), (None, "d")]
    assert a.join(b, how="cross").count() == 12
    assert a.join(b, "l.k < r.k").count() == 4
    keys, others = a.select("k"), b.select("k")
    assert tuples(keys.union_all(others)) == [(1,), (2,), (2,), (None,), (2,), (3,), (None,)]
    assert tuples(keys.union(others)) == [(1,), (2,), (None,), (3,)]
    assert tuples(keys.intersect(others)) == [(2,), (None,)]
    assert tuples(keys.except_(others)) == [(1,)]
    assert a.rename({"k": "key", "x": "k"}).columns == ["key", "k"]
    assert tuples(keys.with_columns({"d": "k * 2", "e": "d + 1"}).limit(1)) == [(1, 2, 3)]
    with pytest.raises(velaria.InvalidArgumentError, match="did you mean 'inner'"):
        a.join(b, ["k"], how="iner")
    with pytest.raises(velaria.InvalidArgumentError, match="needs `on`"):
        a.join(b)
    with pytest.raises(velaria.InvalidArgumentError, match="takes a DataFrame"):
        a.union([1])
    with pytest.raises(velaria.SqlSyntaxError):
        a.join(b, "true) OR (true")
    with velaria.Session() as stranger, pytest.raises(velaria.InvalidArgumentError, match="one s"):
        a.join(stranger.sql("SELECT 1 AS k"), ["k"])


def test_explain(session, flights):
    text = session.explain_sql("SELECT carrier FROM flights WHERE delay > 5")
    assert [h for h in ("logical", "optimized", "physical") if f"{h}\n" in text] == [
        "logical",
        "optimized",
        "physical",
    ]
    assert flights.filter("delay > 5").explain().startswith("logical\n")
    analyzed = session.explain_sql("SELECT carrier FROM flights WHERE delay > 5", analyze=True)
    assert "Filter delay > 5" in analyzed
    assert "2 rows in" in analyzed
    assert "Result" in flights.explain(analyze=True)
    profile = flights.filter("delay > 5").profile()
    assert profile["rows"] == 2
    assert profile["operators"]["name"] == "Result"
    rows = {}
    (place,) = profile["operators"]["children"]
    while True:
        rows[place["name"].split()[0]] = place["rows"]
        if not place["children"]:
            break
        (place,) = place["children"]
    assert rows["Filter"] == 2
    assert rows["Scan"] == 6
    assert len(profile["pipelines"]) == 1


def test_tables_stand_in_line_whatever_the_script(session, capsys):
    frame = session.create_dataframe_from_arrow(
        {"city": ["東京都", "Zu\u0308rich", "Oslo"], "n": ["a", "b", "c"]}
    )
    frame.show()
    lines = capsys.readouterr().out.splitlines()[3:6]
    # Columns of a terminal that stand before the second column.
    wide = {"東京都": 6, "Zu\u0308rich": 6, "Oslo": 4}
    for line, (city, width) in zip(lines, wide.items()):
        assert line[:-1] == city + " " * (6 - width + 2), lines


def test_dir_is_what_there_is():
    names = [name for name in dir(velaria) if not name.startswith("_")]
    assert set(names) == set(velaria.__all__) - {"__version__"}
    assert all(hasattr(velaria, name) for name in names)


def test_what_is_called_otherwise_is_told(session, flights):
    for call, words in {
        lambda: flights.head(): r"limit\(rows\)",
        lambda: flights.carrier: r"select\('carrier'\)",
        lambda: flights.nothing: r"no attribute 'nothing'$",
    }.items():
        with pytest.raises(AttributeError, match=words):
            call()
    stream = session.create_stream_from_arrow({"n": [1]})
    for frame in (flights, stream):
        for call, words in {
            lambda frame=frame: frame.filter(len): r"filter\(\) takes SQL as a str, not builtin",
            lambda frame=frame: frame.with_column(
                "n", 5
            ): r"with_column\(\) takes SQL as a str, not int",
            lambda frame=frame: frame.limit(
                "2"
            ): r"limit\(\) takes numbers of rows, not str \('2'\)",
        }.items():
            with pytest.raises(velaria.InvalidArgumentError, match=words):
                call()
    with pytest.raises(velaria.InvalidArgumentError, match=r"not a pandas\..*DataFrame; make one"):
        session.create_temp_view("p", pandas.DataFrame({"n": [1]}))
    with pytest.raises(velaria.InvalidArgumentError, match=r"Table\.from_pylist\(rows\)"):
        session.create_dataframe_from_arrow([{"n": 1}])


def test_the_extension_is_of_the_same_version():
    assert velaria._velaria.__version__ == velaria.__version__


def test_no_length_no_pickle_no_copy(session, flights):
    with pytest.raises(TypeError):
        len(flights)
    stream = session.create_stream_from_arrow({"n": [1]})
    for thing in (
        session,
        flights,
        flights.group_by("carrier"),
        stream,
        stream.group_by("n"),
        stream.write_stream(velaria.MemorySink()),
        velaria.MemorySink(),
        session.create_realtime_stream_source({"n": "int64"}),
        session.create_realtime_stream_sink(),
        velaria.CustomArrowStreamSource([], schema={"n": "int64"}),
        velaria.CustomArrowStreamSink(print),
    ):
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(thing)
        with pytest.raises(TypeError, match="pickled"):
            copy.copy(thing)
    with pytest.raises(TypeError, match="Session"):
        velaria.DataFrame(5)
    # What is only values travels.
    again = pickle.loads(pickle.dumps(flights.schema))
    assert again == flights.schema
    assert again.to_arrow() == flights.schema.to_arrow()


def test_optional_packages_are_named(flights, monkeypatch):
    for method, package in (
        ("to_pandas", "pandas"),
        ("to_polars", "polars"),
        ("to_arrow", "pyarrow"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=f"needs {package}.*pip install"):
            getattr(flights, method)()
    assert len(flights.to_rows()) == 6


def test_a_closed_session_says_so():
    session = velaria.Session()
    frame = session.sql("SELECT 1 AS x")
    session.close()
    session.close()
    for call in (frame.to_rows, lambda: session.sql("SELECT 1").to_rows(), frame.count):
        with pytest.raises(velaria.InvalidArgumentError, match="closed"):
            call()


def test_sessions_share_nothing():
    a, b = velaria.Session(), velaria.Session()
    a.create_temp_view("t", a.sql("SELECT 1 AS x"))
    assert a.tables() == ["t"]
    assert b.tables() == []
    a.close()
    assert b.sql("SELECT 2 AS x").to_rows() == [{"x": 2}]


@pytest.mark.parametrize(
    "arguments",
    [
        {"threads": 0},
        {"threads": -1},
        {"threads": True},
        {"threads": 1025},
        {"memory_limit": 0},
        {"memory_limit": "2 parsecs"},
        {"memory_limit": "GB"},
        {"memory_limit": -5},
        {"memory_limit": 1.5},
        {"allowed_paths": "/tmp"},
    ],
)
def test_bad_session_arguments(arguments):
    with pytest.raises(velaria.InvalidArgumentError):
        velaria.Session(**arguments)


def test_the_limit_of_threads_is_that_of_the_kernel():
    from velaria import _velaria as core

    with pytest.raises(velaria.InvalidArgumentError, match="threads=4097 must be 1 to 1024"):
        velaria.Session(threads=4097)
    options = {
        "memory_limit_bytes": 0, "temp_dir": b"", "allowed_paths": None, "chunk_rows": 2048,
        "format_writer": None, "console_writer": None,
    }  # fmt: skip
    with pytest.raises(velaria.InvalidArgumentError, match=f"limit of {core.MOST_THREADS}$"):
        core.Session(threads=core.MOST_THREADS + 1, **options)


def test_sizes():
    from velaria._arguments import memory_bytes

    for text, size in [("2GB", 2 * 10**9), ("512MiB", 2**29), ("1.5 kb", 1500), ("7", 7), (9, 9)]:
        assert memory_bytes(text) == size
    assert memory_bytes(None) == 0


def test_memory_limit_fails_by_name_and_the_session_goes_on():
    session = velaria.Session(memory_limit="1MB")
    big = session.create_dataframe_from_arrow({"n": list(range(500_000))})
    with pytest.raises(velaria.ResourceError):
        big.group_by("n").agg("count(*) AS c").to_rows()
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


BUSY = {
    "aggregate": "SELECT n % 100003 AS k, sum(n) AS s FROM numbers GROUP BY k",
    "sort": "SELECT n FROM numbers ORDER BY n * 7919 % 1000003",
    "join": "SELECT count(*) AS c FROM numbers a JOIN numbers b ON a.n = b.n + 1",
    "text": "SELECT count(DISTINCT 'x' || n) AS c FROM numbers",
}


@pytest.mark.parametrize("query", BUSY.values(), ids=BUSY)
def test_queries_release_the_lock(query):
    session = velaria.Session(threads=1)
    numbers = session.create_dataframe_from_arrow({"n": list(range(500_000))})
    session.create_temp_view("numbers", numbers)
    frame = session.sql(query)
    done = threading.Event()
    steps = 0

    def count():
        nonlocal steps
        while not done.is_set():
            steps += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    begin = time.monotonic()
    while time.monotonic() - begin < 1:
        frame.count()
    during = steps
    done.set()
    counter.join()
    # A lock held through a query would leave a handful of steps between the queries.
    assert during > 30


def test_many_threads_one_session(session):
    frame = session.create_dataframe_from_arrow({"n": list(range(10_000))})
    session.create_temp_view("numbers", frame)
    answers = []

    def ask(k):
        rows = session.sql(f"SELECT sum(n) AS s FROM numbers WHERE n % 7 = {k}").to_rows()
        answers.append((k, rows[0]["s"]))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(k, sum(range(k, 10_000, 7))) for k in range(7)]


def test_frames_let_go():
    session = velaria.Session()
    table = pa.table({"n": pa.array(range(100_000))})
    before = pa.total_allocated_bytes()
    frame = session.create_dataframe_from_arrow(table)
    watched = weakref.ref(frame)
    frame.count()
    del table, frame
    gc.collect()
    assert watched() is None
    assert pa.total_allocated_bytes() < before


def test_import_is_light():
    """Counted in modules, since a clock depends on what else the machine does."""
    code = (
        "import sys; before = set(sys.modules); import velaria;"
        "heavy = ('pyarrow', 'numpy', 'pandas', 'polars', 'openpyxl', 'asyncio', 'rich', 'click',"
        "'http', 'inspect', 'logging', 'ssl', 'urllib', 'xml', 'zipfile');"
        "print([m for m in heavy if m in sys.modules]);"
        "print(len(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, modules = done.stdout.splitlines()
    assert heavy == "[]"
    assert int(modules) < 90


def test_names_imported_later_are_those_of_the_package():
    code = (
        "import velaria\n"
        "later = sorted(set(velaria.__all__) - set(vars(velaria)))\n"
        "print(len(later), set(later) == set(velaria._WHERE_LATER))\n"
        "for name in later:\n"
        "    assert name in dir(velaria), name\n"
        "    assert getattr(velaria, name) is vars(velaria)[name], name\n"
        "from velaria import *\n"
        "assert read_excel is velaria.read_excel\n"
        "print(hasattr(velaria, 'no_such_name'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["15 True", "False"]
