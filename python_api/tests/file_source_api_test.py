"""Files: probe, read and read_csv say the same thing."""

import csv
import datetime
import json
from decimal import Decimal

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
    with pytest.raises(velaria.SqlUnsupportedError, match="interval"):
        session.read_csv(path, types={"price": "interval"})


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


def test_json_lines(session, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": 9007199254740993, "s": "a\\n\\ud83d\\ude00", "o": {"x": [1, null]}}\n'
        '{"big": 18446744073709551616, "id": -1}\n'
    )
    frame = session.read_json(path)
    assert frame.schema == [("id", "int64"), ("s", "utf8"), ("o", "utf8"), ("big", "utf8")]
    assert frame.to_rows() == [
        {"id": 2**53 + 1, "s": "a\n\U0001f600", "o": '{"x": [1, null]}', "big": None},
        {"id": -1, "s": None, "o": None, "big": "18446744073709551616"},
    ]
    assert session.read_json(path, ["big", "id"]).columns == ["big", "id"]
    assert session.read_json(path, {"id": str}).to_rows()[0] == {"id": "9007199254740993"}
    assert session.read_json(path, pa.schema([("id", pa.float64())])).schema == [("id", "float64")]
    assert session.read_json(path, types={"big": "decimal(38, 0)"}).schema[3].type == (
        "decimal128(38, 0)"
    )
    assert session.read(path, columns=["s", "id"]).columns == ["s", "id"]
    with pytest.raises(velaria.InvalidArgumentError, match="did you mean 'id'"):
        session.read_json(path, ["idd"])
    with pytest.raises(velaria.InvalidArgumentError, match="JSON has no option"):
        session.read_json(path, delimiter=",")


def test_json_array_and_vectors(session, tmp_path):
    path = tmp_path / "t.json"
    path.write_text('[{"v": [1, 2.5]}, {"v": null},\n {"v": [3, 4]}]')
    frame = session.read_json(path, format="json_array", types={"v": "vector[2]"})
    assert frame.schema == [("v", "fixed_size_list<float32>[2]")]
    assert frame.to_rows() == [{"v": [1.0, 2.5]}, {"v": None}, {"v": [3.0, 4.0]}]
    # As text, the column can be searched all the same.
    session.create_temp_view("t", session.read(path))
    found = session.vector_search("t", "v", [3, 4], top_k=1, metric="l2").to_rows()
    assert found == [{"row_id": 2, "score": 0.0}]
    with pytest.raises(velaria.TypeMismatchError, match="column 'v'"):
        session.read_json(path, format="json_array", types={"v": "vector[3]"}).to_rows()


def random_json(rng, depth=0):
    kinds = ["int", "big", "float", "bool", "null", "str", "list", "dict"]
    kind = rng.choice(kinds if depth < 3 else kinds[:6])
    if kind == "int":
        return rng.randint(-(10 ** rng.randint(1, 18)), 10 ** rng.randint(1, 18))
    if kind == "big":
        return rng.randint(-(10**40), 10**40)
    if kind == "float":
        return rng.choice([rng.random(), rng.uniform(-1e300, 1e300), 0.0, -0.0, 5e-324])
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "null":
        return None
    if kind == "str":
        return "".join(
            rng.choice('ab"\\/\n\té漢\U0001f600\x00{}[],:') for _ in range(rng.randint(0, 9))
        )
    if kind == "list":
        return [random_json(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {f"k{i}": random_json(rng, depth + 1) for i in range(rng.randint(0, 3))}


def as_read(value, kind):
    """What a value of Python is in a column of a type."""
    if value is None or kind != "utf8":
        return value
    return value if isinstance(value, str) else json.loads(json.dumps(value))


def test_random_json_against_python(session, rng, tmp_path):
    for round_number in range(40):
        keys = ["a", "b", 'c"\n', "d\u00e9", "e f"]
        one_kind = rng.random() < 0.5
        makers = {
            key: (lambda: rng.randint(-(2**63), 2**63 - 1), rng.random, lambda: rng.random() < 0.5)[
                i % 3
            ]
            for i, key in enumerate(keys)
        }
        rows = [
            {
                key: makers[key]() if one_kind else random_json(rng)
                for key in keys
                if rng.random() < 0.8
            }
            for _ in range(rng.randint(1, 40))
        ]
        if not any(rows):
            continue
        compact = rng.choice([None, (",", ":")])
        ascii_only = rng.random() < 0.5
        texts = [json.dumps(row, ensure_ascii=ascii_only, separators=compact) for row in rows]
        lines = tmp_path / f"{round_number}.jsonl"
        lines.write_text("\n".join(texts), encoding="utf-8")
        array = tmp_path / f"{round_number}.json"
        indent = rng.choice([None, 1, 4])
        array.write_text(json.dumps(rows, ensure_ascii=ascii_only, indent=indent), encoding="utf-8")
        order = list(dict.fromkeys(key for row in rows for key in row))
        for frame in (
            session.read_json(lines),
            session.read_json(lines, multiline=True, range_bytes=rng.randint(1, 500)),
            session.read_json(lines, range_bytes=rng.randint(1, 500)),
            session.read_json(array, format="json_array", range_bytes=rng.randint(1, 500)),
        ):
            assert frame.columns == order
            types = dict(frame.schema)
            for row, read in zip(rows, frame.to_rows(), strict=True):
                for key in order:
                    value, got = row.get(key), read[key]
                    if isinstance(got, Decimal):
                        # Integers beyond 2^53 beside fractions keep all digits.
                        assert got == Decimal(repr(value)), (key, types[key])
                    elif types[key] != "utf8" or value is None:
                        assert got == value, (key, types[key])
                    elif isinstance(value, str):
                        assert got == value
                    else:
                        assert json.loads(got) == value


def test_frames_written_as_json_come_back(session, rng, tmp_path):
    table = pa.table(
        {
            "i": pa.array([1, None, 2**63 - 1], pa.int64()),
            "u": pa.array([2**64 - 1, 0, None], pa.uint64()),
            "f": pa.array([0.1, float("nan"), float("-inf")], pa.float64()),
            "s": pa.array(['"\\\n\x00é', None, ""], pa.string()),
            "b": pa.array([True, False, None]),
            "d": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]),
            "t": pa.array([0, 1, None], pa.timestamp("us", "UTC")),
            "x": pa.array([b"\x00\xff", b"", None], pa.binary()),
            "v": pa.array([[1.0, 2.0], None, [0.5, -0.5]], pa.list_(pa.float32(), 2)),
        }
    )
    frame = session.create_dataframe_from_arrow(table)
    path = tmp_path / "t.jsonl"
    assert frame.write_json(path) == 3
    for line in path.read_text().splitlines():
        assert list(json.loads(line)) == table.column_names
    again = session.read_json(path, columns=frame.schema)
    assert again.schema == frame.schema
    assert again.to_arrow().equals(frame.to_arrow()) or str(again.to_rows()) == str(frame.to_rows())
    session.create_temp_view("t", frame)
    copy = tmp_path / "copy.ndjson"
    assert session.sql(f"COPY t TO '{copy}'").to_rows() == [{"rows": 3}]
    assert copy.read_bytes() == path.read_bytes()
    assert frame.select("i", "s").write_csv(tmp_path / "t.csv") == 3
    with pytest.raises(velaria.InvalidArgumentError, match="two columns are named 'i'"):
        session.sql("SELECT 1 AS i, 2 AS i").write_json(path)
    assert copy.read_bytes() == path.read_bytes()


def test_bad_json_names_the_place(session, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"a": 1, "a": 2}\nnot json\n{"a": 3}\n')
    place = r"t\.jsonl':2:10 \(byte 18\).*'a' stands twice"
    with pytest.raises(velaria.FileFormatError, match=place):
        session.read_json(path)
    assert session.read_json(path, on_error="skip").to_rows() == [{"a": 1}, {"a": 3}]
    path.write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(velaria.FileFormatError, match="UTF-8"):
        session.read_json(path)
    path.write_text('{"a": "\\ud800"}\n')
    with pytest.raises(velaria.FileFormatError, match="surrogate"):
        session.read_json(path)


def test_line_files(session, tmp_path):
    path = tmp_path / "t.log"
    path.write_text("u1;login;3\nu2;logout;\n\nu3;login;5\n")
    frame = session.read_line_file(path, split_delimiter=";")
    assert frame.schema == [("column1", "utf8"), ("column2", "utf8"), ("column3", "int64")]
    rows = session.read_line_file(path, {"who": 0, "n": 2}, split_delimiter=";").to_rows()
    assert rows == [{"who": "u1", "n": 3}, {"who": "u2", "n": None}, {"who": "u3", "n": 5}]
    frame = session.read_line_file(
        path,
        [("all", 0), ("who", "who"), ("n", 2)],
        mode="regex",
        regex_pattern=r"^(?P<who>\w+);\w+;(\d*)$",
        types={"n": "int8"},
    )
    assert frame.schema == [("all", "utf8"), ("who", "utf8"), ("n", "int8")]
    assert frame.to_rows()[2] == {"all": "u3;login;5", "who": "u3", "n": 5}
    assert session.read_line_file(path, split_delimiter=";", skip_empty_lines=False).count() == 4
    with pytest.raises(velaria.FileFormatError, match="does not match the pattern"):
        session.read_line_file(path, mode="regex", regex_pattern="login")
    skipped = session.read_line_file(path, mode="regex", regex_pattern="login", on_error="skip")
    assert skipped.count() == 2
    with pytest.raises(velaria.InvalidArgumentError, match="mode='regex'"):
        session.read_line_file(path, regex_pattern="x")
    with pytest.raises(velaria.SqlSemanticError):
        session.read_line_file(path, mode="regex", regex_pattern="(?=x)")
    with pytest.raises(velaria.InvalidArgumentError, match="';' is for mode='split'"):
        session.read_line_file(path, mode="regex", regex_pattern="x", split_delimiter=";")
    for more in ({"split_delimiter": ";"}, {"mode": "glob"}):
        with pytest.raises(velaria.InvalidArgumentError, match="preset='syslog' is a pattern"):
            session.read_line_file(path, preset="syslog", **more)


def test_every_kind_is_read_as_it_is_probed(session, tmp_path):
    samples = {
        "a.jsonl": '{"a": 1}\n{"b": [1]}\n',
        "b.json": '[{"a": 1.5}]',
        "c.json": '{\n"a": 1\n}\n{\n"a": 2\n}\n',
        "d.log": '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 23\n' * 3,
        "e.log": "2026-01-01 10:00:00 INFO a\n\ttrace\n2026-01-01 10:00:01 WARN b\n",
        "f.txt": "a 1\nb 2\n",
        "g.txt": "Dear Sir, or Madam,\nthis is a letter.\nIt has, now, and then, commas.\nYours\n",
        "h.csv": "a,b\n1,x\n2,y\n",
        "i.csv": "a,b,c\n1,NA,0.12345678901234567890\n-,-,2.5\n",
    }
    for name, text in samples.items():
        path = tmp_path / name
        path.write_text(text)
        found = session.probe(path)
        probed = session.read(path)
        if found["kind"] == "csv":
            keys = ("delimiter", "header", "quote", "null_text", "null_words")
            told = session.read_csv(path, **{key: found[key] for key in keys})
        elif found["kind"] == "json":
            told = session.read_json(path, format=found["format"], multiline=found["multiline"])
        else:
            keys = ("mappings", "mode", "split_delimiter", "regex_pattern", "types", "null_text")
            keys += ("skip_empty_lines", "on_error")
            told = session.read_line_file(path, **{key: found[key] for key in keys if key in found})
        assert told.schema == probed.schema == found["schema"], name
        assert told.to_rows() == probed.to_rows(), name
        assert probed.count() > 0, name
    assert "1 of 3 rows is left out" in session.probe(tmp_path / "e.log")["warnings"][0]


def test_no_digit_is_lost(session, tmp_path):
    path = tmp_path / "digits.csv"
    path.write_text(
        "plain,repr,long,longer,whole\n"
        "3.14159265358979,0.30000000000000004,0.12345678901234567890,1e-300,1\n"
        "0.1,1e22,-1.5,1.2345678901234567890,9007199254740993\n"
        ",,,,0.5\n"
    )
    frame = session.read_csv(path)
    kinds = ["float64", "float64", "decimal128(21, 20)", "utf8", "decimal128(17, 1)"]
    assert [field.type for field in frame.schema] == kinds
    assert any("'longer'" in warning and "float64" in warning for warning in frame.warnings)
    rows = frame.to_rows()
    assert rows[0]["long"] == Decimal("0.12345678901234567890")
    assert rows[1]["whole"] == Decimal(9007199254740993)
    # Written and read again, in both formats, they are the same.
    for name, read in (("again.csv", session.read_csv), ("again.jsonl", session.read_json)):
        out = tmp_path / name
        (frame.write_csv if name.endswith("csv") else frame.write_json)(out)
        again = read(out)
        assert again.to_rows() == rows, name
        assert [field.type for field in again.schema] == kinds, name


# ---- several files, rows left out, writing


def test_json_files_are_one_table_by_their_keys(session, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "v": 2}\n')
    (tmp_path / "b.jsonl").write_text('{"v": "x", "w": true}\n{"id": 3}\n')
    expected = [
        {"id": 1, "v": "2", "w": None},
        {"id": None, "v": "x", "w": True},
        {"id": 3, "v": None, "w": None},
    ]
    pattern = tmp_path / "*.jsonl"
    for frame in (
        session.read_json(pattern),
        session.read_json([tmp_path / "a.jsonl", str(tmp_path / "b.jsonl")]),
        session.read(tmp_path),
        session.sql(f"SELECT * FROM '{pattern}'"),
        session.sql(f"SELECT * FROM read_json('{tmp_path}/a.jsonl', '{tmp_path}/b.jsonl')"),
    ):
        assert frame.to_rows() == expected
    named = session.read(pattern, filename="file", types={"v": str})
    assert named.columns == ["id", "v", "w", "file"]
    assert named.to_rows()[2]["file"] == str(tmp_path / "b.jsonl")
    session.sql(f"CREATE TABLE t USING json OPTIONS(path: '{pattern}', columns: 'w, id')")
    assert session.sql("SELECT count(w) AS w, sum(id) AS s FROM t").to_rows() == [{"w": 1, "s": 4}]
    with pytest.raises(velaria.InvalidArgumentError, match="no object of the 2 files"):
        session.read_json(pattern, columns=["id", "q"])


def test_line_files_are_one_table(session, tmp_path):
    (tmp_path / "a.log").write_text("1 x\n2 y\n")
    (tmp_path / "b.log").write_text("2.5 z\n")
    frame = session.read_line_file(tmp_path / "*.log", split_delimiter=" ", filename=True)
    assert frame.to_rows() == [
        {"column1": 1.0, "column2": "x", "filename": str(tmp_path / "a.log")},
        {"column1": 2.0, "column2": "y", "filename": str(tmp_path / "a.log")},
        {"column1": 2.5, "column2": "z", "filename": str(tmp_path / "b.log")},
    ]


@pytest.mark.parametrize("reader", ["json", "line"])
def test_rejects_mean_the_same_in_every_reader(session, tmp_path, reader):
    path = tmp_path / "t.txt"
    if reader == "json":
        path.write_text('{"id": 1}\nnothing\n{"id": "x"}\n{"id": 4}\n')
        frame = session.read_json(path, types={"id": int}, on_error="skip")
        options = "types: 'id int64'"
    else:
        path.write_text("id=1\nnothing\nid=x\nid=4\n")
        pattern = r"^id=(?P<id>\w+)$"
        frame = session.read_line_file(
            path, mode="regex", regex_pattern=pattern, types={"id": int}, on_error="skip"
        )
        options = f"types: 'id int64', regex_pattern: '{pattern}'"
    assert frame.to_rows() == [{"id": 1}, {"id": 4}]
    assert frame.count() == 2
    assert frame.warnings[0].startswith("2 of 4 rows are left out (on_error='skip'); the first is ")
    rejects = frame.rejects().to_rows()
    assert [(row["line"], row["column"], row["value"]) for row in rejects] == [
        (2, None, "nothing"),
        (3, "id", "x"),
    ]
    assert rejects[1]["reason"] == "the value is not int64"
    session.sql(
        f"CREATE TABLE t USING {reader} OPTIONS(path: '{path}', on_error: 'skip', {options})"
    )
    assert session.sql("SELECT line FROM rejects('t')").to_rows() == [{"line": 2}, {"line": 3}]
    if reader == "json":
        probed = session.read(path, on_error="skip", types={"id": int})
        assert probed.to_rows() == [{"id": 1}, {"id": 4}]


def test_json_is_written_compressed(session, tmp_path):
    frame = session.sql("SELECT 1 AS a, 'x' AS b UNION ALL SELECT NULL, 'y'")
    for name, options in (
        ("t.jsonl.gz", {}),
        ("t.jsonl.GZIP", {}),
        ("t.JSONL.Zst", {}),
        ("t.json", {"compression": "zstd"}),
    ):
        path = tmp_path / name
        assert frame.write_json(path, **options) == 2
        assert session.probe(path)["compression"] == ("gzip" if "gz" in name.lower() else "zstd")
        assert session.read(path).to_rows() == frame.to_rows()
    with pytest.raises(velaria.InvalidArgumentError, match="no option 'header' for json"):
        frame.write_json(tmp_path / "t.json", header=False)


def test_streams_of_folders_refuse_what_combines_files(session, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    for option in ("filename", "union_by_name"):
        with pytest.raises(velaria.InvalidArgumentError, match=f"no option '{option}'"):
            session.read_stream_csv_dir(tmp_path, **{option: True})


def test_json_streams_in_sql(session, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"city": "x", "n": 1}\n{"city": null, "n": 12345678901}\n')
    (folder / "b.jsonl").write_text('{"n": 3}\n')
    out = tmp_path / "out.jsonl"
    session.sql(f"CREATE SOURCE TABLE events USING json OPTIONS(path: '{folder}')")
    session.sql(f"CREATE SINK TABLE written USING json OPTIONS(path: '{out}')")
    query = session.start_stream_sql(
        "INSERT INTO written SELECT city, n + 1 AS m FROM events WHERE n <> 1"
    )
    assert query.await_termination() == 2
    assert out.read_text() == '{"city":null,"m":12345678902}\n{"city":null,"m":4}\n'
    with pytest.raises(velaria.InvalidArgumentError, match="only, not option 'header'"):
        session.sql(f"CREATE SINK TABLE w USING json OPTIONS(path: '{out}', header: true)")
    with pytest.raises(velaria.SqlUnsupportedError, match="sources are csv, json, line, rate"):
        session.sql(f"CREATE SOURCE TABLE w USING parquet OPTIONS(path: '{folder}')")
    with pytest.raises(velaria.SqlUnsupportedError, match="sinks are csv, json, console"):
        session.sql(f"CREATE SINK TABLE w USING line OPTIONS(path: '{folder}')")


def test_read_tells_what_the_probe_guessed(tmp_path):
    path = tmp_path / "titled.csv"
    path.write_text("Report of sales\n\na,b\n1,2\n3,4\n")
    session = velaria.Session()
    frame = session.read(path)
    assert frame.count() == 2
    assert frame.warnings == session.probe(path)["warnings"]
    assert "'Report of sales'" in frame.warnings[0]
    # Who says it decides it.
    assert session.read(path, skip_lines=2).warnings == []
    plain = tmp_path / "plain.csv"
    plain.write_text("a,b\n1,2\n3,4\n")
    assert session.read(plain).warnings == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a":1},{"a":2},]', "1:18 (byte 17)"),
        ('[{"a":1},{"a":2}', "not closed"),
        ('[{"a":1,"b":NaN},{"a":2,"b":1}]', "not 'NaN"),
        ('{"a":"x\ty"}\n', "raw control character"),
        ('{"a":1},\n{"a":2},\n', "1:8 (byte 7)"),
        ("[]", "has no objects"),
    ],
)
def test_broken_json_is_no_table_of_another_kind(tmp_path, text, message):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(velaria.FileFormatError) as error:
        velaria.Session().read(path)
    assert message in str(error.value)


def test_objects_behind_each_other_of_which_the_first_is_one_line(tmp_path):
    path = tmp_path / "objects.json"
    path.write_text('{"a":1}\n{\n "a": 2\n}\n')
    assert velaria.Session().read(path).to_rows() == [{"a": 1}, {"a": 2}]


def test_json_lines_longer_than_the_probes_sample(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text("".join(f'{{"id": {i}, "t": "{"x" * 270_000}"}}\n' for i in range(5)))
    frame = velaria.Session().read(path)
    assert frame.select("id").to_rows() == [{"id": i} for i in range(5)]


def test_a_large_file_that_ends_inside_quotes_of_many_lines(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("id,t\n" + "1,ok\n" * 250_000 + '2,"' + "line of text\n" * 25_000 + '"\n')
    assert velaria.Session().read(path).count() == 250_001


def test_csv_with_zero_bytes_comes_back(tmp_path):
    path = tmp_path / "zero.csv"
    session = velaria.Session()
    session.create_dataframe_from_arrow({"x": ["a\0b", "c"], "y": [1, 2]}).write_csv(path)
    assert session.read_csv(path).to_rows() == [{"x": "a\0b", "y": 1}, {"x": "c", "y": 2}]


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
