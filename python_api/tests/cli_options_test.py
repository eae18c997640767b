"""What the command line says of rows it leaves out, and of options that do not go together."""

import json

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
