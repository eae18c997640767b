"""Files: probe, read and read_csv say the same thing."""

import csv
import datetime
import json

import pyarrow as pa
import pytest
import velaria


@pytest.fixture
def trips(tmp_path):
    path = tmp_path / "trips (1).csv"
    path.write_text(
        'id,zip,"when",price,note\n'
        '1,02134,2024-01-02 03:04:05,1.5,"a ""quoted"", one"\n'
        "2,10001,2024-01-03 00:00:00,,\n"
        '3,00501,2024-01-04 00:00:00,2,""\n'
    )
    return path


def test_probe_keys(session, trips):
    found = session.probe(trips)
    assert {
        "kind",
        "final_format",
        "score",
        "confidence",
        "schema",
        "suggested_table_name",
        "candidates",
        "warnings",
        "delimiter",
        "quote",
        "header",
        "encoding",
        "columns",
    } <= set(found)
    assert found["kind"] == "csv"
    assert found["final_format"] == "csv"
    assert found["confidence"] in ("high", "medium", "low")
    assert found["header"] is True
    assert found["suggested_table_name"].isidentifier()
    best = found["candidates"][0]
    assert set(best) == {"format", "kind", "score", "reason"}
    assert best["format"] == found["final_format"]
    assert [c["score"] for c in found["candidates"]] == sorted(
        (c["score"] for c in found["candidates"]), reverse=True
    )
    assert found["schema"] == found["columns"]
    assert json.dumps(found) == json.dumps(session.probe(str(trips)))


def test_probed_and_explicit_agree(session, trips):
    found = session.probe(trips)
    probed = session.read(trips)
    explicit = session.read_csv(
        trips, delimiter=found["delimiter"], header=found["header"], quote=found["quote"]
    )
    assert probed.schema == explicit.schema == found["schema"]
    assert probed.to_rows() == explicit.to_rows()
    session.sql(f"CREATE TABLE probed OPTIONS(path: '{trips}')")
    session.sql(f"CREATE TABLE explicit USING csv OPTIONS(path: '{trips}')")
    for name in ("probed", "explicit"):
        assert session.table(name).to_rows() == probed.to_rows()
        assert session.table(name).schema == probed.schema


def test_values(session, trips):
    rows = session.read_csv(trips).to_rows()
    assert rows[0] == {
        "id": 1,
        "zip": "02134",
        "when": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "price": 1.5,
        "note": 'a "quoted", one',
    }
    assert rows[1]["price"] is None
    assert rows[1]["note"] is None
    assert rows[2]["note"] == ""


def test_types_and_columns_by_any_spelling(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    spellings = (
        {"a": "varchar"},
        {"a": str},
        {"a": pa.string()},
    )
    for types in spellings:
        frame = session.read_csv(path, types=types)
        assert frame.schema == [("a", "utf8"), ("b", "int64")]
        assert session.read(path, types=types).schema == frame.schema
    schemas = (
        {"x": "int8", "y": float},
        [("x", "int8"), ("y", "double")],
        pa.schema([("x", pa.int8()), ("y", pa.float64())]),
        "x int8, y double",
    )
    for columns in schemas:
        frame = session.read_csv(path, columns=columns, header=True)
        assert frame.schema == [("x", "int8"), ("y", "float64")]
        assert frame.to_rows() == [{"x": 1, "y": 2.0}]
        assert session.read(path, columns=columns).to_rows() == frame.to_rows()


def test_rich_types(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("price,at\n1.10,2024-01-01T00:00:00Z\n2.00,\n")
    types = {"price": pa.decimal128(10, 2), "at": pa.timestamp("ms", "UTC")}
    for frame in (session.read_csv(path, types=types), session.read(path, types=types)):
        assert frame.schema.types == ["decimal128(10, 2)", "timestamp[ms, UTC]"]
        assert str(frame.to_rows()[0]["price"]) == "1.10"
        assert frame.to_rows()[1]["at"] is None
    # The names that schemas show are names that types take.
    named = dict(session.read_csv(path, types=types).schema)
    assert session.read_csv(path, types=named).schema == frame.schema
    with pytest.raises(velaria.SqlUnsupportedError, match=r"fixed_size_list<float32>\[2\]"):
        session.read_csv(path, types={"price": "fixed_size_list<float32>[2]"})


def test_other_options(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;NA\n'x;y';-\n")
    frame = session.read_csv(path, ";", quote="'", null_text=["NA", "-"])
    assert frame.to_rows() == [{"a": "1", "b": None}, {"a": "x;y", "b": None}]
    path.write_text("a;b\n'x;NA\n")
    raw = session.read_csv(path, ";", quote="", columns=None)
    assert raw.to_rows() == [{"a": "'x", "b": "NA"}]
    path.write_text("1;2\n")
    assert session.read_csv(path, ";", header=False).count() == 1


def test_random_files_against_python_csv(session, rng, tmp_path):
    for round_number in range(20):
        # Python leaves a lone CR unquoted, which ends a line for everybody else.
        quoting = rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
        alphabet = 'ab ,"\n;é漢\t' + ("\r" if quoting == csv.QUOTE_ALL else "")
        rows = [
            [
                "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 8))) + "x"
                for _ in range(3)
            ]
            for _ in range(rng.randint(1, 40))
        ]
        path = tmp_path / f"{round_number}.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            ends = rng.choice(["\n", "\r\n"])
            writer = csv.writer(file, lineterminator=ends, quoting=quoting)
            writer.writerows([["c0", "c1", "c2"], *rows])
        read = session.read_csv(path).to_rows()
        assert [list(row.values()) for row in read] == rows


def test_integers_keep_every_digit(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n9223372036854775807,9007199254740993\n-9223372036854775808,1\n")
    assert session.read_csv(path).to_rows() == [
        {"a": 2**63 - 1, "b": 2**53 + 1},
        {"a": -(2**63), "b": 1},
    ]


def test_folder_as_a_stream(session, tmp_path):
    for name, rows in (("b.csv", "3,z\n"), ("a.csv", "1,x\n2,y\n"), ("_skip.csv", "9,q\n")):
        (tmp_path / name).write_text("n,t\n" + rows)
    sink = velaria.MemorySink()
    stream = session.read_stream_csv_dir(tmp_path)
    assert stream.bounded
    with stream.write_stream(sink) as query:
        query.await_termination(60_000)
    assert [(row["n"], row["t"]) for row in sink.to_rows()] == [(1, "x"), (2, "y"), (3, "z")]
    with pytest.raises(velaria.FileAccessError):
        session.read_stream_csv_dir(tmp_path / "missing")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(velaria.InvalidArgumentError):
        session.read_stream_csv_dir(empty)


def test_unread_formats_are_refused_by_name(session, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert session.probe(path)["final_format"] == "json_lines"
    with pytest.raises(velaria.SqlUnsupportedError, match="json"):
        session.read(path)
