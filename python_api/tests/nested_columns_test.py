"""Lists, structs and maps on their way through: queries, spilling, streams, files, packages."""

import csv
import datetime
import decimal
import json

import pyarrow as pa
import pytest
import velaria

polars = pytest.importorskip("polars")

WAIT_MS = 60_000
UTC = datetime.timezone.utc


def _moment(rng):
    seconds = rng.randint(-(10**9), 4 * 10**9)
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)


# type, value from rng
LEAVES = [
    (pa.bool_(), lambda rng: rng.random() < 0.5),
    (pa.int8(), lambda rng: rng.randint(-128, 127)),
    (pa.int64(), lambda rng: rng.choice([-(2**63), 2**63 - 1, rng.randint(-99, 99)])),
    (pa.uint64(), lambda rng: rng.choice([2**64 - 1, rng.randint(0, 99)])),
    (pa.float16(), lambda rng: rng.randint(-64, 64) / 4),
    (pa.float32(), lambda rng: rng.randint(-1000, 1000) / 8),
    (pa.float64(), lambda rng: rng.choice([0.1, -0.0, rng.uniform(-1e6, 1e6)])),
    (pa.string(), lambda rng: rng.choice(["", "a", "漢字", 'quote " and \\', "x" * 40, "\n"])),
    (pa.large_string(), lambda rng: "y" * rng.randint(0, 30)),
    (pa.binary(), lambda rng: rng.randbytes(rng.choice([0, 3, 20]))),
    (pa.binary(3), lambda rng: rng.randbytes(3)),
    (pa.date32(), lambda rng: _moment(rng).date()),
    (pa.time32("ms"), lambda rng: _moment(rng).time()),
    (pa.time64("us"), lambda rng: _moment(rng).time()),
    (pa.timestamp("ms"), _moment),
    (pa.timestamp("us", "UTC"), lambda rng: _moment(rng).replace(tzinfo=UTC)),
    (
        pa.duration("us"),
        lambda rng: datetime.timedelta(microseconds=rng.randint(-(10**12), 10**12)),
    ),
    (
        pa.decimal128(20, 3),
        lambda rng: decimal.Decimal(rng.randint(-(10**19), 10**19)).scaleb(-3),
    ),
    (pa.null(), lambda _: None),
]


def random_type(rng, depth):
    """A type and a maker of its values; a struct, list or map while depth is left."""
    if depth == 0:
        return rng.choice(LEAVES)
    kind = rng.choice(["list", "large_list", "fixed", "struct", "map"])
    if kind == "struct":
        fields = []
        makers = []
        for i in range(rng.randint(1, 3)):
            child, make = random_type(rng, rng.randint(0, depth - 1))
            nullable = pa.types.is_null(child) or rng.random() < 0.8
            fields.append(pa.field(f"f{i}", child, nullable))
            makers.append((f"f{i}", make, nullable))
        return pa.struct(fields), lambda rng: {
            name: None if nullable and rng.random() < 0.2 else make(rng)
            for name, make, nullable in makers
        }
    child, make = random_type(rng, rng.randint(0, depth - 1))

    def element(rng):
        return None if rng.random() < 0.2 else make(rng)

    if kind == "map":
        return pa.map_(pa.string(), child), lambda rng: [
            (f"k{i}", element(rng)) for i in range(rng.randint(0, 3))
        ]
    if kind == "fixed":
        # One of floats would be a vector.
        if child in (pa.float16(), pa.float32(), pa.float64()):
            child, make = pa.int32(), lambda rng: rng.randint(0, 9)
        return pa.list_(child, 2), lambda rng: [make(rng) for _ in range(2)]
    made = pa.list_(child) if kind == "list" else pa.large_list(child)
    return made, lambda rng: [element(rng) for _ in range(rng.choice([0, 1, 2, 7]))]


def random_array(rng, rows, depth=3):
    kind, make = random_type(rng, depth)
    return pa.array([None if rng.random() < 0.15 else make(rng) for _ in range(rows)], kind)


def batches_of(rng, table):
    batches = []
    begin = 0
    while begin < table.num_rows:
        size = rng.randint(1, max(1, table.num_rows // 3))
        batches.extend(table.slice(begin, size).to_batches())
        begin += size
    return pa.Table.from_batches(batches, table.schema)


def nested_table(rng, rows, columns=3):
    """Row number n, a key k with NULLs, and random nested columns c0, c1 ..."""
    table = {
        "n": pa.array(range(rows), pa.int64()),
        "k": pa.array([rng.choice([None, 0, 1, 2, 3]) for _ in range(rows)], pa.int64()),
    }
    for i in range(columns):
        table[f"c{i}"] = random_array(rng, rows)
    # Not combined: slices that begin in the middle of a byte.
    return batches_of(rng, pa.table(table))


def assert_same(actual, expected):
    assert actual.schema.names == expected.schema.names
    assert actual.num_rows == expected.num_rows
    for name in expected.schema.names:
        assert actual.column(name).type == expected.column(name).type, name
        actual.column(name).validate(full=True)
        assert actual.column(name).to_pylist() == expected.column(name).to_pylist(), name


def table_of(session, rng, rows=200):
    table = nested_table(rng, rows)
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    return table


@pytest.mark.parametrize("rows", [0, 1, 9, 200])
def test_there_and_back(session, rng, rows):
    table = nested_table(rng, rows)
    frame = session.create_dataframe_from_arrow(table)
    assert_same(frame.to_arrow(), table)
    assert_same(frame.limit(0).to_arrow(), table.slice(0, 0))
    part = table.slice(rows // 3, rows // 2)
    assert_same(session.create_dataframe_from_arrow(part).to_arrow(), part)
    for (name, shown), kind in zip(frame.schema, table.schema.types):
        if name.startswith("c"):
            assert shown.split("<")[0] in str(kind) or pa.types.is_fixed_size_list(kind)


def test_to_rows_is_to_pylist(session, rng):
    for _ in range(5):
        table = nested_table(rng, 40)
        assert session.create_dataframe_from_arrow(table).to_rows() == table.to_pylist()


QUERIES = {
    "all": ("SELECT * FROM t", lambda rows: rows),
    "filter": ("SELECT * FROM t WHERE k > 1", lambda rows: [r for r in rows if (r["k"] or 0) > 1]),
    "null test": (
        "SELECT * FROM t WHERE c0 IS NULL OR c1 IS NOT NULL",
        lambda rows: [r for r in rows if r["c0"] is None or r["c1"] is not None],
    ),
    "order": ("SELECT * FROM t ORDER BY n DESC", lambda rows: rows[::-1]),
    "top n": (
        "SELECT * FROM t ORDER BY k NULLS FIRST, n DESC LIMIT 13",
        lambda rows: sorted(rows, key=lambda r: (-1 if r["k"] is None else r["k"], -r["n"]))[:13],
    ),
    "limit": ("SELECT * FROM t LIMIT 20 OFFSET 31", lambda rows: rows[31:51]),
    "union all": ("SELECT * FROM t UNION ALL SELECT * FROM t", lambda rows: rows + rows),
    "with NULLs": (
        "SELECT n, k, c0, c1, c2 FROM t UNION ALL SELECT 0, 0, NULL, NULL, NULL",
        lambda rows: [*rows, {"n": 0, "k": 0, "c0": None, "c1": None, "c2": None}],
    ),
    "common table": (
        "WITH x AS (SELECT * FROM t WHERE n % 2 = 0) SELECT * FROM x WHERE n % 3 = 0",
        lambda rows: [r for r in rows if r["n"] % 6 == 0],
    ),
    "join": (
        "SELECT t.n, t.k, t.c0, u.c1, u.c2 FROM t JOIN t AS u ON t.n = u.n + 1 ORDER BY t.n",
        lambda rows: [{**b, "c1": a["c1"], "c2": a["c2"]} for a, b in zip(rows, rows[1:])],
    ),
    "left join": (
        "SELECT t.n, t.k, u.c0, u.c1, u.c2 FROM t LEFT JOIN t AS u ON t.n = u.n AND u.n < 50 "
        "ORDER BY t.n",
        lambda rows: [
            r if r["n"] < 50 else {**r, "c0": None, "c1": None, "c2": None} for r in rows
        ],
    ),
    "window": (
        "SELECT n, row_number() OVER (PARTITION BY k ORDER BY n) * 0 + k AS k, c0, c1, c2 FROM t "
        "ORDER BY n",
        lambda rows: rows,
    ),
    "neighbours": (
        "SELECT n, k, lag(c0) OVER (ORDER BY n) AS c0, lead(c1, 2) OVER (ORDER BY n) AS c1, "
        "first_value(c2) OVER (ORDER BY n) AS c2 FROM t ORDER BY n",
        lambda rows: [
            {
                **r,
                "c0": rows[i - 1]["c0"] if i > 0 else None,
                "c1": rows[i + 2]["c1"] if i + 2 < len(rows) else None,
                "c2": rows[0]["c2"],
            }
            for i, r in enumerate(rows)
        ],
    ),
    "case and coalesce": (
        "SELECT n, k, CASE WHEN k = 1 THEN c0 END AS c0, coalesce(c1, NULL) AS c1, "
        "if(n < 100, c2, NULL) AS c2 FROM t",
        lambda rows: [
            {
                **r,
                "c0": r["c0"] if r["k"] == 1 else None,
                "c2": r["c2"] if r["n"] < 100 else None,
            }
            for r in rows
        ],
    ),
    "scalar subquery": (
        "SELECT n, k, (SELECT c0 FROM t WHERE n = 7) AS c0, c1, c2 FROM t",
        lambda rows: [{**r, "c0": rows[7]["c0"]} for r in rows],
    ),
    "first of groups": (
        "SELECT min(n) AS n, k, first(c0 ORDER BY n) AS c0, any_value(c1) AS c1, "
        "arg_max(c2, n) AS c2 FROM t GROUP BY k ORDER BY n",
        None,
    ),
}


def first_of_groups(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["k"], []).append(row)
    out = []
    for k, of_key in groups.items():
        present = [r["c1"] for r in of_key if r["c1"] is not None]
        last = [r["c2"] for r in of_key if r["c2"] is not None]
        out.append(
            {
                "n": of_key[0]["n"],
                "k": k,
                "c0": of_key[0]["c0"],
                "c1": present[0] if present else None,
                "c2": last[-1] if last else None,
            }
        )
    return out


@pytest.mark.parametrize("name", list(QUERIES))
def test_queries(session, rng, name):
    query, reference = QUERIES[name]
    table = table_of(session, rng)
    rows = (reference or first_of_groups)(table.to_pylist())
    expected = pa.Table.from_pylist(rows, table.schema)
    assert_same(session.sql(query).to_arrow(), expected)


def test_counts(session, rng):
    table = table_of(session, rng)
    for name in ("c0", "c1", "c2"):
        count = session.sql(f"SELECT count({name}) AS c, count(*) AS n FROM t").to_rows()
        assert count == [{"c": 200 - table.column(name).null_count, "n": 200}]


def test_tables_in_memory(session, rng):
    table = table_of(session, rng, 60)
    session.sql("CREATE TABLE kept AS SELECT * FROM t")
    assert_same(session.table("kept").to_arrow(), table)
    session.sql("INSERT INTO kept SELECT * FROM t WHERE n < 10")
    session.sql("UPDATE kept SET c0 = NULL, c1 = c1 WHERE n = 3")
    session.sql("DELETE FROM kept WHERE n > 20")
    rows = table.to_pylist()
    rows = [{**r, "c0": None} if r["n"] == 3 else r for r in rows[:21] + rows[:10]]
    assert session.table("kept").to_rows() == rows
    session.sql("CREATE VIEW half AS SELECT n, c2 FROM kept WHERE n % 2 = 0")
    expected = [{"n": r["n"], "c2": r["c2"]} for r in rows if r["n"] % 2 == 0]
    assert session.table("half").to_rows() == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_that_do_not_fit_go_to_disk(rng, threads):
    rows = 30_000
    words = [f"tag {i} " + "x" * (100 + i) for i in range(100)]
    table = pa.table(
        {
            "n": pa.array(range(rows), pa.int64()),
            "tags": pa.array(
                [None if i % 7 == 0 else rng.choices(words, k=i % 5) for i in range(rows)],
                pa.list_(pa.string()),
            ),
            "at": pa.array(
                [{"x": i, "inner": [{"y": i / 2}] * (i % 3)} for i in range(rows)],
                pa.struct([("x", pa.int64()), ("inner", pa.list_(pa.struct([("y", "float64")])))]),
            ),
        }
    )
    order = list(range(rows))
    rng.shuffle(order)
    table = table.append_column("o", pa.array(order, pa.int64()))
    with velaria.Session(threads=threads, memory_limit=16 << 20) as session:
        session.create_temp_view("t", session.create_dataframe_from_arrow(table))
        text = session.explain_sql("SELECT * FROM t ORDER BY o", analyze=True)
        assert "spilled" in text, text
        assert_same(session.sql("SELECT * FROM t ORDER BY o").to_arrow(), table.sort_by("o"))
        joined = session.sql(
            "SELECT t.n, u.tags, u.at, t.o FROM t JOIN t AS u ON t.o = u.n ORDER BY t.n"
        )
        taken = table.take(pa.array(order))
        expected = pa.table(
            {"n": table["n"], "tags": taken["tags"], "at": taken["at"], "o": table["o"]}
        )
        assert_same(joined.to_arrow(), expected)
        groups = session.sql("SELECT n, any_value(tags) AS tags FROM t GROUP BY n ORDER BY n")
        assert_same(groups.to_arrow(), table.select(["n", "tags"]))


def run(stream, **options):
    sink = velaria.MemorySink()
    with stream.write_stream(sink, **options) as query:
        query.await_termination(WAIT_MS)
        return sink, query.progress()


def test_streams(session, rng):
    table = nested_table(rng, 150)
    sink, _ = run(session.create_stream_from_arrow(table))
    assert_same(sink.to_arrow(), table)
    stream = session.create_stream_from_arrow(table, batch_rows=11)
    sink, _ = run(stream.filter("k IS NOT NULL").select("n", "k", "c1", "c0", "c2"))
    kept = table.filter(pa.compute.is_valid(table["k"]))
    assert_same(sink.to_arrow(), kept.select(["n", "k", "c1", "c0", "c2"]))


def test_realtime_sources_take_arrow(session, rng):
    table = nested_table(rng, 30)
    source = session.create_realtime_stream_source(table.schema)
    sink = velaria.MemorySink()
    with session.read_realtime_stream_source(source).write_stream(sink) as query:
        source.push_arrow(table)
        with pytest.raises(velaria.TypeMismatchError, match="Arrow data only"):
            source.push_rows([{**dict.fromkeys(table.schema.names), "c0": []}])
        source.push_rows([dict.fromkeys(table.schema.names)])
        source.close()
        query.await_termination(WAIT_MS)
    assert sink.to_rows() == [*table.to_pylist(), dict.fromkeys(table.schema.names)]


def test_state_in_a_checkpoint(session, rng, tmp_path):
    table = nested_table(rng, 90).drop_columns(["c1", "c2"]).combine_chunks()
    path = str(tmp_path / "checkpoint")
    options = {"checkpoint_path": path, "checkpoint_delivery_mode": "best-effort"}

    def last_values(max_batches):
        stream = session.create_stream_from_arrow(table, batch_rows=10)
        grouped = stream.group_by("k").agg("last(c0 ORDER BY n) AS c0", "count(*) AS c")
        sink, _ = run(grouped, max_batches=max_batches, **options)
        return {row["k"]: row for row in sink.to_rows()}

    last_values(4)
    found = last_values(5)
    expected = {}
    for row in table.to_pylist():
        count = expected.get(row["k"], {"c": 0})["c"]
        expected[row["k"]] = {"k": row["k"], "c0": row["c0"], "c": count + 1}
    for key, row in found.items():
        assert row == expected[key]


PLAIN = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "tags": pa.array([["a", None], [], None], pa.list_(pa.string())),
        "at": pa.array(
            [{"x": 1.5, "when": datetime.date(2024, 2, 29)}, None, {"x": None, "when": None}],
            pa.struct([("x", pa.float64()), ("when", pa.date32())]),
        ),
        "m": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    }
)
TEXTS = [
    {"tags": '["a", null]', "at": '{"x": 1.5, "when": "2024-02-29"}', "m": '{"k": 1}'},
    {"tags": "[]", "at": None, "m": None},
    {"tags": None, "at": '{"x": null, "when": null}', "m": "{}"},
]


@pytest.fixture
def plain(session):
    frame = session.create_dataframe_from_arrow(PLAIN)
    session.create_temp_view("t", frame)
    return frame


def test_texts(session, plain, tmp_path, capsys):
    columns = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in ("tags", "at", "m"))
    assert session.sql(f"SELECT {columns} FROM t").to_rows() == TEXTS
    assert plain.schema == [
        ("id", "int64"),
        ("tags", "list<utf8>"),
        ("at", "struct<x: float64, when: date32>"),
        ("m", "map<utf8, int32>"),
    ]
    kinds = session.sql("SELECT typeof(tags) AS a, typeof(m) AS b FROM t LIMIT 1").to_rows()
    assert kinds == [{"a": "list<utf8>", "b": "map<utf8, int32>"}]
    plain.show()
    shown = capsys.readouterr().out
    html = plain._repr_html_()
    for text in ('["a", null]', '{"k": 1}'):
        assert text in shown
        assert text in html or text.replace('"', "&quot;") in html
    path = tmp_path / "out.csv"
    plain.write_csv(str(path))
    with path.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["tags"] for row in written] == ['["a", null]', "[]", ""]
    assert [row["at"] for row in written] == [row["at"] or "" for row in TEXTS]
    path = tmp_path / "out.jsonl"
    plain.write_json(str(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines] == [1, 2, 3]
    for line, texts in zip(lines, TEXTS):
        for name, text in texts.items():
            assert line[name] == (None if text is None else json.loads(text))


def test_random_values_are_json(session, rng):
    table = table_of(session, rng, 40)
    for name in ("c0", "c1", "c2"):
        rows = session.sql(f"SELECT CAST({name} AS VARCHAR) AS x FROM t").to_rows()
        for row, value in zip(rows, table.column(name).to_pylist()):
            assert (row["x"] is None) == (value is None)
            if value is not None:
                assert len(json.loads(row["x"])) == len(dict(value) if _is_map(value) else value)


def _is_map(value):
    return isinstance(value, list) and value != [] and all(isinstance(v, tuple) for v in value)


# statement, what the error names, the place of the caret
REFUSED = [
    ("SELECT * FROM t ORDER BY tags", "ORDER BY", "tags"),
    ("SELECT * FROM t ORDER BY id, 3", "ORDER BY", "3"),
    ("SELECT * FROM t UNION ALL SELECT * FROM t ORDER BY tags", "ORDER BY", "tags"),
    ("SELECT count(*) FROM t GROUP BY at", "GROUP BY", "at"),
    ("SELECT tags FROM t GROUP BY ALL", "GROUP BY", "tags"),
    ("SELECT DISTINCT id, m FROM t", "SELECT DISTINCT", None),
    ("SELECT DISTINCT ON (m) id FROM t", "DISTINCT ON", "m"),
    ("SELECT tags FROM t UNION SELECT tags FROM t", "UNION", None),
    ("SELECT tags FROM t INTERSECT SELECT tags FROM t", "INTERSECT", None),
    ("SELECT tags FROM t EXCEPT ALL SELECT tags FROM t", "EXCEPT ALL", None),
    ("SELECT * FROM t JOIN t AS u ON t.tags = u.tags", "a = b", None),
    ("SELECT * FROM t JOIN t AS u USING (tags)", "USING", None),
    ("SELECT * FROM t NATURAL JOIN t AS u", "USING", None),
    ("SELECT * FROM t WHERE tags = tags", "a = b", None),
    ("SELECT * FROM t WHERE tags < NULL", "a < b", None),
    ("SELECT * FROM t WHERE tags IS NOT DISTINCT FROM tags", "a IS NOT DISTINCT FROM b", None),
    ("SELECT * FROM t WHERE tags IN (tags)", "a IN (b, ...)", None),
    ("SELECT * FROM t WHERE tags IN (SELECT tags FROM t)", "IN", None),
    ("SELECT min(at) FROM t", "min()", None),
    ("SELECT max(tags) FROM t", "max()", None),
    ("SELECT count(DISTINCT tags) FROM t", "count(DISTINCT ...)", None),
    ("SELECT approx_count_distinct(tags) FROM t", "approx_count_distinct()", None),
    ("SELECT mode(tags) FROM t", "mode()", None),
    ("SELECT sum(tags) FROM t", "sum()", None),
    ("SELECT arg_min(id, tags) FROM t", "arg_min()", None),
    ("SELECT first(id ORDER BY tags) FROM t", "ORDER BY inside first()", None),
    ("SELECT row_number() OVER (PARTITION BY tags) FROM t", "PARTITION BY of a window", None),
    ("SELECT row_number() OVER (ORDER BY m) FROM t", "ORDER BY of a window", None),
    ("SELECT length(tags) FROM t", "length(", None),
    ("SELECT tags || 'x' FROM t", "a || b", None),
    ("SELECT at + 1 FROM t", "a + b", None),
    ("SELECT greatest(tags, tags) FROM t", "greatest(a, ...)", None),
    ("SELECT nullif(tags, tags) FROM t", "nullif(a, b)", None),
]


@pytest.mark.parametrize(("query", "names", "place"), REFUSED, ids=[q for q, _, _ in REFUSED])
def test_what_compares_is_refused(session, plain, query, names, place):
    with pytest.raises(velaria.TypeMismatchError) as caught:
        session.sql(query)
    text = str(caught.value)
    first, *rest = text.split("\n")
    assert names in first.split(" is not possible over ")[0]
    assert " is not possible over " in first
    assert "CAST(" in first
    assert "line 1:" in text
    if place is not None:
        caret = rest[-1].index("^")
        assert rest[-2][caret:].startswith(place)


def test_correlated_subqueries(session, plain):
    query = (
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t AS u WHERE u.id = t.id AND u.tags IS NULL)"
    )
    assert session.sql(query).to_rows() == [{"id": 3}]
    query = "SELECT (SELECT tags FROM t AS u WHERE u.id = t.id) AS tags FROM t"
    assert session.sql(query).to_rows() == [{"tags": r["tags"]} for r in PLAIN.to_pylist()]


def test_frames_refuse_too(session, plain):
    for refused in (
        lambda: plain.order_by("tags"),
        lambda: plain.group_by("m").agg("count(*)"),
        lambda: plain.distinct(),
        lambda: plain.union(plain),
        lambda: plain.join(plain, on="tags"),
    ):
        with pytest.raises(velaria.TypeMismatchError, match="is not possible over"):
            refused()
    assert plain.union_all(plain).count() == 6


def test_casts_there_are_not(session, plain):
    for query in (
        "SELECT CAST(tags AS BIGINT) FROM t",
        "SELECT CAST(tags AS FLOAT[2]) FROM t",
        "SELECT CASE WHEN id = 1 THEN tags ELSE 'x' END FROM t",
        "SELECT tags FROM t UNION ALL SELECT m FROM t",
        "SELECT coalesce(tags, m) FROM t",
    ):
        with pytest.raises(velaria.TypeMismatchError, match="list<utf8>"):
            session.sql(query)
    with pytest.raises(velaria.SqlUnsupportedError, match="any_value"):
        session.sql("SELECT any_value(tags) OVER () FROM t")


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_lists_of_floats_as_vectors(session, kind):
    values = [[1.0, 0.0], [0.0, 2.0], None, [3.0, 3.0]]
    for made in (pa.list_(kind), pa.large_list(kind)):
        table = pa.table({"id": [0, 1, 2, 3], "v": pa.array(values, made)})
        session.create_temp_view("lists", session.create_dataframe_from_arrow(table))
        session.sql(
            "CREATE OR REPLACE VIEW vectors AS SELECT id, CAST(v AS FLOAT[2]) AS v FROM lists"
        )
        assert [row["v"] for row in session.table("vectors").to_rows()] == values
        found = session.vector_search("vectors", "v", [0.0, 1.0], top_k=1)
        assert found.to_rows() == [{"row_id": 1, "score": 0.0}]
        near = "SELECT id FROM lists ORDER BY l2_distance(CAST(v AS FLOAT[2]), [3, 3]) LIMIT 1"
        assert session.sql(near).to_rows() == [{"id": 3}]
        with pytest.raises(velaria.TypeMismatchError, match=r"CAST\(.* AS FLOAT\[n\]\)"):
            session.vector_search("lists", "v", [0.0, 1.0])
        with pytest.raises(velaria.TypeMismatchError, match=r"CAST\(.* AS FLOAT\[n\]\)"):
            session.sql("SELECT cosine_distance(v, [1, 2]) FROM lists")
        with pytest.raises(velaria.TypeMismatchError, match=r"CAST\(.* AS FLOAT\[n\]\)"):
            session.sql("SELECT * FROM lists HYBRID SEARCH v QUERY '[1, 2]' METRIC l2 TOP_K 1")


def test_lists_that_are_no_vectors(session):
    values = [[1.0], [1.0, None], [1.0, 1e300], [1.0, 2.0]]
    table = pa.table({"v": pa.array(values, pa.list_(pa.float64()))})
    frame = session.create_dataframe_from_arrow(table)
    session.create_temp_view("t", frame)
    for row, says in ((0, "1 elements"), (1, "NULL"), (2, "beyond float32")):
        session.create_temp_view("one", frame.limit(1, offset=row))
        with pytest.raises(velaria.TypeMismatchError, match=says):
            session.sql("SELECT CAST(v AS FLOAT[2]) FROM one").to_rows()
    tried = session.sql("SELECT TRY_CAST(v AS FLOAT[2]) AS v FROM t").to_rows()
    assert [row["v"] for row in tried] == [None, None, None, [1.0, 2.0]]


def bad_lists():
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 99, 2)))
    return pa.Array.from_buffers(
        pa.list_(pa.int32()), 2, [None, offsets], children=[pa.array([1, 2], pa.int32())]
    )


def test_columns_that_nobody_asks_for_are_not_read(session):
    table = pa.table({"id": pa.array([1, 2], pa.int64()), "bad": bad_lists()})
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    assert session.sql("SELECT id FROM t WHERE id > 0 ORDER BY id").to_rows() == [
        {"id": 1},
        {"id": 2},
    ]
    assert session.sql("SELECT count(*) AS c FROM t").to_rows() == [{"c": 2}]
    with pytest.raises(velaria.InvalidArgumentError, match=r"'bad'.*malformed"):
        session.sql("SELECT * FROM t").to_rows()


def test_types_that_cannot_be_carried(session):
    union = pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]
    )
    table = pa.table({"t": pa.StructArray.from_arrays([union], ["a"])})
    with pytest.raises(velaria.TypeMismatchError, match=r"'t\.a' is an Arrow dense union"):
        session.create_dataframe_from_arrow(table)
    deep = pa.int32()
    for _ in range(70):
        deep = pa.list_(deep)
    with pytest.raises(velaria.TypeMismatchError, match="nested more than 64 deep"):
        session.create_dataframe_from_arrow(pa.table({"x": pa.array([], deep)}))


def test_layouts_of_lists(session):
    values = [["a", None], None, [], ["a text of more than twelve bytes", "a"]]
    plain = pa.array(values, pa.list_(pa.string()))
    wide = pa.array([["before"], *values, ["behind"]], pa.list_(pa.string()))
    words = plain.values
    layouts = {
        "list": plain,
        "large_list": plain.cast(pa.large_list(pa.string())),
        "sliced": wide.slice(1, 4),
        "views": pa.ListViewArray.from_arrays(
            pa.array([0, 0, 2, 2], pa.int32()),
            pa.array([2, 0, 0, 2], pa.int32()),
            words,
            mask=pa.array([False, True, False, False]),
        ),
        "dictionary inside": pa.ListArray.from_arrays(
            plain.offsets, words.dictionary_encode(), mask=pa.array([False, True, False, False])
        ),
        "text views inside": pa.ListArray.from_arrays(
            plain.offsets, words.cast(pa.string_view()), mask=pa.array([False, True, False, False])
        ),
        "large texts inside": plain.cast(pa.list_(pa.large_string())),
    }
    for name, array in layouts.items():
        frame = session.create_dataframe_from_arrow(pa.table({"x": array}))
        assert [row["x"] for row in frame.to_rows()] == values, name
        back = frame.to_arrow().column("x")
        back.validate(full=True)
        assert back.to_pylist() == values, name
        if name in ("list", "large_list", "sliced", "large texts inside"):
            assert back.type == array.type, name
    # Values of a dictionary that are lists themselves.
    indices = pa.array([1, None, 0, 1], pa.int8())
    encoded = pa.DictionaryArray.from_arrays(indices, pa.array([[1], [2, None]]))
    frame = session.create_dataframe_from_arrow(pa.table({"x": encoded}))
    assert [row["x"] for row in frame.to_rows()] == [[2, None], None, [1], [2, None]]


def test_polars(session):
    data = polars.DataFrame(
        {
            "tags": [["a", None], [], None],
            "at": [{"x": 1, "z": [0.5]}, {"x": None, "z": None}, None],
            "fixed": [[1, 2], None, [3, 4]],
            "t": [[datetime.datetime(2024, 1, 1)], None, []],
        },
        schema_overrides={"fixed": polars.Array(polars.Int32, 2)},
    )
    frame = session.create_dataframe_from_arrow(data)
    back = frame.to_polars()
    assert back.equals(data)
    assert back.schema == data.schema
    assert frame.to_rows() == data.to_dicts()


def test_pandas(session, plain):
    made = plain.to_pandas()
    assert made["tags"][0].tolist() == ["a", None]
    assert made["at"][0] == {"x": 1.5, "when": datetime.date(2024, 2, 29)}
    assert made["m"][1] is None


def test_times_of_nanoseconds_travel(session):
    array = pa.array([[1, 3600_000_000_001]], pa.list_(pa.int64())).cast(pa.list_(pa.time64("ns")))
    frame = session.create_dataframe_from_arrow(pa.table({"x": array}))
    assert frame.to_arrow().column("x").combine_chunks().equals(array)
    with pytest.raises(velaria.TypeMismatchError, match="whole microseconds"):
        frame.to_rows()
