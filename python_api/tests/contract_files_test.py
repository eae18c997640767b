"""Rules of the contract about files: what chooses the reader, and what only advises."""

import pytest
import velaria

TABLE = "a,b\n1,2\n3,4\n"
LINES = '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
LOG = "2026-01-01 10:00:00 INFO up\n2026-01-01 10:00:01 WARN slow\n"


@pytest.fixture
def folder(tmp_path):
    """A file of each kind; the endings help nobody."""
    for name, text in (("table", TABLE), ("lines", LINES), ("log", LOG)):
        (tmp_path / f"{name}.txt").write_text(text)
    return tmp_path


def created(session, path, using="", **options):
    given = "".join(f", {key}: '{value}'" for key, value in options.items())
    session.sql(f"CREATE OR REPLACE TABLE t {using} OPTIONS(path: '{path}'{given})")
    return session.table("t")


@pytest.mark.parametrize(
    ("name", "kind", "reader"),
    [("table", "csv", "read_csv"), ("lines", "json", "read_json"), ("log", "line", None)],
)
def test_a_path_alone_is_probed(session, folder, name, kind, reader):
    path = folder / f"{name}.txt"
    assert session.probe(path)["kind"] == kind
    table, read = created(session, path), session.read(path)
    assert table.schema == read.schema
    assert table.to_rows() == read.to_rows() != []
    if reader is not None:
        assert getattr(session, reader)(path).to_rows() == read.to_rows()


def test_using_overrides_what_the_probe_says(session, folder):
    # Each file is probed as another kind than the one that is asked for.
    table = created(session, folder / "table.txt", "USING line", split_delimiter=",")
    assert [tuple(row.values()) for row in table.to_rows()] == [("a", "b"), ("1", "2"), ("3", "4")]
    table = created(session, folder / "lines.txt", "USING csv", delimiter=";", header="false")
    assert [row for (row,) in (tuple(row.values()) for row in table.to_rows())] == (
        LINES.splitlines()
    )
    table = created(session, folder / "log.txt", "USING csv", delimiter=" ", header="false")
    assert len(table.columns) == 4
    assert "level" in created(session, folder / "log.txt").columns  # the probe knows such logs
    # What does not fit is an error; the probe is not asked after all.
    for name in ("table", "log"):
        with pytest.raises(velaria.FileFormatError):
            created(session, folder / f"{name}.txt", "USING json").to_rows()


def test_options_are_keys_and_values_with_a_colon(session, folder):
    path = folder / "table.txt"
    for wrong in (f"path = '{path}'", f"path '{path}'", f"'{path}'"):
        with pytest.raises(velaria.SqlSyntaxError):
            session.sql(f"CREATE TABLE t OPTIONS({wrong})")
    session.sql(f"CREATE TABLE t USING csv OPTIONS(path: '{path}', header: false, delimiter: ',')")
    assert session.table("t").count() == 3


def test_what_a_probe_advises_changes_nothing_that_is_read(session, folder):
    """Score, confidence, warnings and candidates are told; the format that won is what is read."""
    path = folder / "titled.csv"
    path.write_text("Report of sales\n\na,b\n1,2\n3,4\n")
    before = session.read(path)
    found = session.probe(path)
    assert found["confidence"] != "high"
    assert found["warnings"]
    assert len(found["candidates"]) > 1
    # The caller's dict is the caller's.
    for key in ("score", "confidence", "final_format", "kind", "suggested_table_name"):
        found[key] = "json"
    found["candidates"].reverse()
    found["warnings"].clear()
    after = session.read(path)
    assert after.schema == before.schema
    assert after.to_rows() == before.to_rows() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    # A suggested name makes no table.
    assert session.tables() == []


@pytest.mark.parametrize("name", ["table", "lines", "log"])
def test_the_candidates_begin_with_what_is_read(session, folder, name):
    found = session.probe(folder / f"{name}.txt")
    best = found["candidates"][0]
    assert (best["format"], best["kind"], best["score"]) == (
        found["final_format"],
        found["kind"],
        found["score"],
    )
    assert 0 < found["score"] <= 1
    assert all(candidate["score"] <= best["score"] for candidate in found["candidates"])
    assert session.read(folder / f"{name}.txt").schema == found["schema"]


def test_the_settings_of_a_probe_are_told(session, tmp_path):
    files = {
        "titled.csv": (
            "Report of sales\n\na,b\n1,2\n3,4\n",
            {"skip_lines": 2, "header": True, "delimiter": ",", "comment": ""},
        ),
        "commented.csv": ("# made by x\nid,name\n1,ann\n2,bob\n", {"comment": "#"}),
        "objects.json": ('{\n"a": 1\n}\n{\n"a": 2\n}\n', {"multiline": True}),
        "lines.jsonl": (LINES, {"multiline": False, "format": "json_lines"}),
        "words.txt": (
            "a 1\nb 2\n",
            {"mode": "split", "split_delimiter": "whitespace", "preset": "",
             "mappings": {"column1": 0, "column2": 1}},
        ),
        "stamped.log": (LOG, {"mode": "regex", "preset": "stamped"}),
        "access.log": (
            '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 23\n' * 3,
            {"mode": "regex", "preset": "apache_common"},
        ),
    }  # fmt: skip
    for name, (text, settings) in files.items():
        path = tmp_path / name
        path.write_text(text)
        found = session.probe(path)
        assert found["path"] == str(path)
        assert found["paths"] == [str(path)]
        assert {key: found[key] for key in settings} == settings, name


def test_keys_that_are_no_column(session, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "b": 2}\n{"a": 3, "c": 4}\n')
    for options in ({}, {"unknown_keys": "ignore"}):
        assert session.read_json(path, ["a"], **options).to_rows() == [{"a": 1}, {"a": 3}]
    with pytest.raises(velaria.FileFormatError, match=r"t\.jsonl':2:10 \(byte 26\): the key 'c'"):
        session.read_json(path, ["a", "b"], unknown_keys="error").to_rows()
    with pytest.raises(velaria.InvalidArgumentError, match="ignore or error"):
        session.read_json(path, unknown_keys="skip")


def test_the_longest_line(session, tmp_path):
    path = tmp_path / "t.log"
    path.write_text("short\n" + "x" * 5000 + "\n")
    with pytest.raises(velaria.FileFormatError, match=r":2:1 .*longer than 1000 bytes.*max_row_b"):
        session.read_line_file(path, range_bytes=64, max_row_bytes=1000).to_rows()
    frame = session.read_line_file(path, range_bytes=64, max_row_bytes=6000)
    assert [len(row["column1"]) for row in frame.to_rows()] == [5, 5000]
