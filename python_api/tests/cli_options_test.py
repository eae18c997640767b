"""What the command line says of rows it leaves out, and of options that do not go together."""

import gzip
import json

import pytest
import velaria

SKIPPING = "CREATE TABLE t USING csv OPTIONS(path: 'short.csv', on_error: 'skip')"


def rows_left_out(cli):
    (cli.folder / "short.csv").write_text('a,v\n1,"[1 0]"\n2\n3,"[0 1]"\n')


def test_every_command_tells_the_rows_it_left_out(cli):
    rows_left_out(cli)
    for arguments, text in (
        (("sql", "--init", SKIPPING, "SELECT a FROM t"), None),
        (("vector-search", "--init", SKIPPING, "t", "v", "[1 0]"), None),
        (("run", "start", "sql", "--init", SKIPPING, "SELECT a FROM t"), None),
        (("run", "start", "vector-search", "--init", SKIPPING, "t", "v", "[1 0]"), None),
        (("shell",), SKIPPING + ";\nSELECT a FROM t;\n"),
    ):
        told = cli(*arguments, text=text).stderr
        assert told.startswith("warning: 1 of 3 rows is left out"), arguments
        assert told.count("warning:") == 1


def test_a_run_keeps_its_warnings(cli):
    rows_left_out(cli)
    started = cli.json(
        "run", "start", "--json", "sql", "--init", SKIPPING, "SELECT a + 1 AS b FROM t"
    )
    (warning,) = started["run"]["warnings"]
    assert "1 of 3 rows is left out" in warning
    assert "1 of 3 rows" in cli("run", "show", "latest").stdout
    assert cli.json("run", "start", "--json", "sql", "SELECT 1 AS x")["run"]["warnings"] == []


def test_a_run_of_a_stream_keeps_its_warnings(cli):
    (cli.folder / "events" / "9.csv").write_text("k,n,t\na,1,2024-01-01 00:00:01\nshort\n")
    source = "CREATE SOURCE TABLE e USING csv OPTIONS(path: 'events', on_error: 'skip')"
    done = cli("run", "start", "stream", "--init", source, "SELECT k, n FROM e")
    (warning,) = cli.json("run", "show", "latest", "--json")["run"]["warnings"]
    assert "left out" in warning
    assert f"warning: {warning}" in done.stderr


def test_a_run_of_a_program_keeps_its_warnings(workspace, tmp_path):
    (tmp_path / "short.csv").write_text("a,b\n1,2\n3\n")
    session = velaria.Session()
    frame = session.read_csv(tmp_path / "short.csv", on_error="skip")
    session.create_temp_view("t", frame)
    run = workspace.run_sql(session, "SELECT a FROM t")
    assert run.record["warnings"] == frame.warnings
    assert "1 of 2 rows" in frame.warnings[0]
    with workspace.start("report", {}) as recorder:
        recorder.write_result(frame)
    record = json.loads((recorder.path / "run.json").read_text())
    assert record["warnings"] == frame.warnings


# ---- tables of several files


def test_a_pattern_or_folder_is_a_table(cli):
    query = "SELECT count(*) AS n FROM e"
    for path in ("events/*.csv", "events"):
        assert cli.json("sql", "-t", f"e={path}", query, "--json")["rows"] == [{"n": 6}]
        run = cli.json("run", "start", "--json", "sql", "-t", f"e={path}", query)["run"]
        (table,) = cli.json("run", "show", run["run_id"], "--json")["inputs"]["tables"]
        assert [entry["path"] for entry in table["files"]] == [
            str(cli.folder / "events" / f"{n}.csv") for n in range(3)
        ]
        assert all(entry["size_bytes"] > 20 and entry["modified_ns"] for entry in table["files"])
    told = cli("sql", "-t", "e=nothing/*.csv", query, code=3).stderr
    assert "nothing/*.csv" in told


# ---- endings that say "compressed"


@pytest.mark.parametrize("name", ["x.csv.gz", "x.CSV.zst", "x.tsv.gz", "x.csv.GZIP", "x.csv.ZST"])
@pytest.mark.parametrize("options", [[], ["-f", "csv"]])
def test_csv_is_compressed_as_its_name_says(cli, name, options):
    cli("sql", *options, "-o", name, "SELECT 1 AS n, 'a' AS t")
    written = (cli.folder / name).read_bytes()
    assert (
        written[:4] == b"\x28\xb5\x2f\xfd" if "zst" in name.lower() else written[:2] == b"\x1f\x8b"
    )
    if name.endswith(".gz"):
        between = b"\t" if "tsv" in name else b","
        assert gzip.decompress(written) == b"n%bt\n1%ba\n" % (between, between)
    rows = velaria.Session().read_csv(
        cli.folder / name, delimiter="\t" if "tsv" in name else ","
    ).to_rows()  # fmt: skip
    assert rows == [{"n": 1, "t": "a"}]


def test_what_is_not_compressed_is_not_called_so(cli):
    names = ["x.jsonl.gz", "x.json.zst", "x.parquet.gz", "x.arrow.zst", "x.txt.gz"]
    for arguments in (*(("-o", name) for name in names), ("-f", "jsonl", "-o", "x.gz")):
        done = cli("sql", *arguments, "SELECT 1 AS n", code=2)
        told = done.stdout + done.stderr
        assert arguments[-1] in told
        assert "leave out .gz" in told or "leave out .zst" in told
    for name in ("x.gz", "x.doc.gz"):
        told = cli("sql", "-o", name, "SELECT 1 AS n", code=2).stderr
        assert f"the ending '{name[1:]}' of --output says no format" in told
    assert not list(cli.folder.glob("x.*"))


# ---- options that would do nothing


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sql", "-f", "csv", "--rows", "1", "SELECT 1"), "LIMIT 1 in the query"),
        (("sql", "-o", "x.parquet", "--rows", "1", "SELECT 1"), "parquet has all of them"),
        (("run", "result", "latest", "--json", "--rows", "1"), "json has all of them"),
        (("vector-search", "a.csv", "v", "[1]", "-f", "jsonl", "--rows", "1"), "jsonl has all"),
        (("vector-search", "a.csv", "v", "[1]", "--explain", "--rows", "1"), "--explain has none"),
        (("vector-search", "a.csv", "v", "[1]", "--explain", "-o", "x.csv"), "not csv; give"),
        (("stream", "--json", "-o", "x.csv", "SELECT 1"), "'x.csv' are two formats"),
    ],
)
def test_options_that_do_not_go_together(cli, arguments, says):
    answer = json.loads(cli(*arguments, code=2).stdout or "null")
    told = answer["error"] if answer else cli(*arguments, code=2).stderr
    assert says in told
    assert not list(cli.folder.glob("x.*"))


def test_how_a_search_goes_into_a_file(cli):
    (cli.folder / "v.csv").write_text('id,v\n1,"[1 0]"\n')
    search = ("vector-search", "v.csv", "v", "[1 0]", "--explain")
    shown = cli(*search).stdout
    assert "mode=exact-scan" in shown
    assert cli(*search, "-o", "plan.txt").stdout == ""
    assert (cli.folder / "plan.txt").read_text() == shown
    cli(*search, "-o", "plan.json")
    plan = json.loads((cli.folder / "plan.json").read_text())
    assert plan == cli.json(*search, "--json")
    assert plan["fields"]["metric"] == "cosine"
