"""The command line, run as people and programs run it: as a process."""

import array
import csv
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import velaria
from cli_process import ENDLESS, FLIGHTS

PROGRESS_FIELDS = """
query_id status requested_execution_mode execution_mode execution_reason transport_mode
batches_pulled batches_processed blocked_count max_backlog_batches inflight_batches
inflight_partitions last_batch_latency_ms last_sink_latency_ms last_state_latency_ms
last_source_offset backpressure_active actor_eligible used_actor_runtime used_shared_memory
has_stateful_ops has_window sink_is_blocking source_is_bounded estimated_partitions
projected_payload_bytes sampled_batches sampled_rows_per_batch average_projected_payload_bytes
actor_speedup compute_to_overhead_ratio estimated_state_size_bytes estimated_batch_cost
backpressure_max_queue_batches backpressure_high_watermark backpressure_low_watermark
checkpoint_delivery_mode
"""


def expect_error(cli, *arguments, code, kind, phase, says, text=None):
    """The error as JSON and, of the same call, as words."""
    answer = cli.json(*arguments, "--json", code=code, text=text)
    assert set(answer) == {"ok", "error", "error_type", "phase"}
    assert (answer["error_type"], answer["phase"]) == (kind, phase)
    assert says in answer["error"]
    words = cli(*arguments, code=code, text=text)
    assert words.stdout == ""
    assert says in words.stderr
    return answer


# ---- sql


def test_rows_for_people(cli):
    shown = cli("sql", "SELECT * FROM 'flights.csv' WHERE delay IS NOT NULL").stdout
    assert shown.splitlines()[0].split() == ["carrier", "delay", "day"]
    assert shown.splitlines()[1].split() == ["utf8", "int64", "date32"]
    assert "(3 rows)" in shown
    assert cli("file-sql", "SELECT 1 AS one").stdout == cli("sql", "SELECT 1 AS one").stdout


def test_json_keeps_every_value(cli):
    answer = cli.json(
        "sql",
        "--json",
        "SELECT 9007199254740993 AS whole, 0.1 AS tenth, CAST('1.10' AS DECIMAL(5,2)) AS money, "
        "CAST('nan' AS DOUBLE) AS nothing, NULL AS none, true AS yes, 'ä\"\n' AS text, "
        "DATE '2024-02-29' AS day, INTERVAL '1 day' AS while, "
        "CAST('9999-12-31 23:59:59' AS TIMESTAMP) AS late",
    )
    assert answer["rows"] == [
        {
            "whole": 9007199254740993,
            "tenth": 0.1,
            "money": "1.10",
            "nothing": "nan",
            "none": None,
            "yes": True,
            "text": 'ä"\n',
            "day": "2024-02-29",
            "while": "1 day",
            "late": "9999-12-31 23:59:59",
        }
    ]
    assert answer["row_count"] == 1
    assert answer["schema"][:2] == [
        {"name": "whole", "type": "int64"},
        {"name": "tenth", "type": "float64"},
    ]
    none = cli.json("sql", "--json", "SELECT * FROM 'flights.csv' WHERE delay > 1000")
    assert (none["rows"], none["row_count"], len(none["schema"])) == ([], 0, 3)


def test_each_format_says_the_same(cli):
    query = "SELECT carrier, delay FROM 'flights.csv'"
    expected = [
        {"carrier": "AA", "delay": 5},
        {"carrier": "UA", "delay": None},
        {"carrier": None, "delay": -3},
        {"carrier": "AA", "delay": 60},
    ]
    assert cli.json("sql", "-f", "json", query)["rows"] == expected
    lines = cli("sql", "--format", "jsonl", query).stdout.splitlines()
    assert [json.loads(line) for line in lines] == expected
    written = cli("sql", "-f", "csv", query).stdout
    assert [tuple(row) for row in csv.reader(io.StringIO(written))][1:] == [
        ("AA", "5"),
        ("UA", ""),
        ("", "-3"),
        ("AA", "60"),
    ]
    arrow = cli("sql", "-f", "arrow", query, binary=True).stdout
    assert pa.ipc.open_stream(arrow).read_all().to_pylist() == expected
    parquet = cli("sql", "-f", "parquet", query, binary=True).stdout
    assert pq.read_table(io.BytesIO(parquet)).to_pylist() == expected


@pytest.mark.parametrize("name", ["o.json", "o.jsonl", "o.csv", "o.tsv", "o.arrow", "o.parquet"])
def test_a_file_by_its_name(cli, name):
    cli("sql", "-o", name, "SELECT carrier, delay FROM 'flights.csv' WHERE delay > 0")
    path = cli.folder / name
    if name.endswith("json"):
        rows = json.loads(path.read_text())["rows"]
    elif name.endswith("jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    elif name.endswith("parquet"):
        rows = pq.read_table(path).to_pylist()
    elif name.endswith("arrow"):
        rows = pa.ipc.open_file(path).read_all().to_pylist()
    else:
        rows = velaria.Session().read(path).to_rows()
    assert rows == [{"carrier": "AA", "delay": 5}, {"carrier": "AA", "delay": 60}]
    assert [p.name for p in cli.folder.iterdir() if p.name.startswith(".")] == []


def test_a_failure_leaves_the_old_file(cli):
    target = cli.folder / "o.csv"
    target.write_text("precious")
    cli("sql", "-o", "o.csv", "SELECT CAST(carrier AS INT) FROM 'flights.csv'", code=1)
    assert target.read_text() == "precious"
    expect_error(
        cli, "sql", "SELECT 1", "-o", "no/o.csv", code=3, kind="FileNotFoundError",
        phase="output", says="No such file or directory: no/o.csv",
    )  # fmt: skip
    words = cli("sql", "SELECT 1", "-o", "o.xlsx", code=2).stderr
    assert "'.xlsx' of --output says no format; give --format" in words
    assert not (cli.folder / "o.xlsx").exists()


def test_tables_parameters_and_scripts(cli):
    pq.write_table(
        pa.table({"k": ["AA", "UA"], "name": ["American", "United"]}), cli.folder / "n.parquet"
    )
    rows = cli.json(
        "sql", "--json", "-t", "f=flights.csv", "-t", "names=n.parquet", "-p", "least=0",
        "--init", "CREATE VIEW late AS SELECT * FROM f WHERE delay > 0; CREATE TABLE x (n BIGINT);",
        "SELECT name, delay FROM late JOIN names ON carrier = k WHERE delay > $least ORDER BY 2",
    )["rows"]  # fmt: skip
    assert rows == [{"name": "American", "delay": 5}, {"name": "American", "delay": 60}]
    assert cli.json("sql", "--json", "-p", "7", "-p", "x;y", "SELECT ? AS a, ? AS b")["rows"] == [
        {"a": 7, "b": "x;y"}
    ]
    exact = cli.json(
        "sql", "--json", "-p", "0.12345678901234567890", "-p", "9007199254740993.5", "-p", "0.1",
        "-p", "NaN", "SELECT ? AS a, ? AS b, ? AS c, ? AS d",
    )  # fmt: skip
    assert [column["type"] for column in exact["schema"]] == [
        "decimal128(20, 20)", "decimal128(17, 1)", "float64", "utf8",
    ]  # fmt: skip
    refused = cli("sql", "--json", "-p", "1e400", "SELECT ?", code=1)
    assert "1E+400" in refused.stdout + refused.stderr
    (cli.folder / "script.sql").write_text(
        "-- a comment; with a semicolon\nCREATE TABLE t (n BIGINT);\nINSERT INTO t VALUES (1), (2);"
        "\nSELECT sum(n) AS s, ';' AS c FROM t;\n"
    )
    expected = [{"s": 3, "c": ";"}]
    assert cli.json("sql", "--json", "@script.sql")["rows"] == expected
    script = (cli.folder / "script.sql").read_text()
    assert cli.json("sql", "--json", "-", text=script)["rows"] == expected


def test_standard_input_is_a_table(cli):
    answer = cli.json("sql", "--json", "-t", "f=-", "SELECT count(*) AS n FROM f", text=FLIGHTS)
    assert answer["rows"] == [{"n": 4}]


def test_how_many_rows_a_table_shows(cli):
    query = "SELECT n FROM range(0, 200) r(n)"
    assert "(200 rows)" in cli("sql", query).stdout
    few = cli("sql", "--rows", "3", query).stdout
    assert "more than 3 rows" in few
    assert len(few.splitlines()) == 7


# ---- errors and exit codes


def test_errors_for_programs_and_people(cli):
    answer = expect_error(
        cli, "sql", "SELECT zzz FROM 'flights.csv'", code=1, kind="SqlSemanticError",
        phase="plan", says="'zzz'",
    )  # fmt: skip
    assert "line 1:8" in answer["error"]
    expect_error(cli, "sql", "SELEC 1", code=1, kind="SqlSyntaxError", phase="plan", says="SELEC")
    expect_error(
        cli, "sql", "SELECT CAST(carrier AS INT) FROM 'flights.csv'", code=1,
        kind="TypeMismatchError", phase="run", says="AA",
    )  # fmt: skip
    expect_error(
        cli, "probe", "nowhere.csv", code=3, kind="FileAccessError", phase="open",
        says="nowhere.csv",
    )  # fmt: skip
    expect_error(
        cli, "sql", "-t", "t=nowhere.csv", "SELECT 1", code=3, kind="FileAccessError",
        phase="open", says="nowhere.csv",
    )  # fmt: skip
    cli("sql", "-o", "one.parquet", "SELECT 1 AS x")
    expect_error(
        cli, "sql", "SELECT * FROM 'one.parquet'", code=1, kind="FileFormatError", phase="plan",
        says="-t NAME=PATH",
    )  # fmt: skip
    twice = cli.json("sql", "--json", "SELECT 1 AS a, 2 AS a", code=1)
    assert "'a'" in twice["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sql",),
        ("sql", "SELECT 1", "--nosuch"),
        ("sql", "SELECT 1", "-t", "noname"),
        ("sql", "SELECT 1", "--threads", "0"),
        ("sql", " "),
        ("sql", "-- nothing"),
        ("sql", "SELECT ?", "-p", "1", "-p", "a=2"),
        ("nosuch",),
        ("explain", "--analyze", "--stream", "SELECT 1"),
        ("run", "cleanup"),
        ("run", "cleanup", "--older-than", "soon"),
        ("stream", "SELECT 1", "-o", "x.doc"),
    ],
)
def test_wrong_command_lines(cli, arguments):
    answer = cli.json(*arguments, "--json", code=2)
    assert answer["error_type"] == "UsageError"
    assert answer["error"]
    words = cli(*arguments, code=2)
    assert words.stderr.startswith("velaria: ")
    assert "--help" in words.stderr


@pytest.mark.parametrize("group", [[], ["run"], ["artifacts"]])
def test_a_group_alone_shows_its_help(cli, group):
    words = cli(*group, code=2).stderr
    assert words.startswith(" ".join(["Usage: velaria", *group]))
    assert words.count("Usage:") == 1


def test_version_and_help(cli):
    assert cli("--version").stdout == f"velaria {velaria.__version__}\n"
    text = cli("--help").stdout
    for command in ("sql", "probe", "stream", "top", "vector-search", "explain", "run", "artifacts",
                    "shell", "completion"):  # fmt: skip
        assert f"\n  {command} " in text
    assert "130  stopped by Ctrl-C" in text
    for command in (["sql"], ["probe"], ["explain"], ["stream"], ["top"], ["vector-search"],
                    ["run"], ["run", "start"], ["run", "start", "sql"], ["run", "diff"],
                    ["artifacts"], ["shell"]):  # fmt: skip
        shown = cli(*command, "-h").stdout
        assert "Example" in shown, command
        assert f"velaria {command[0]}" in shown


def test_shell_completion(cli):
    for shell in ("bash", "zsh", "fish"):
        assert "_VELARIA_COMPLETE" in cli("completion", shell).stdout
    cli.environment.update(
        _VELARIA_COMPLETE="bash_complete", COMP_WORDS="velaria run st", COMP_CWORD="2"
    )
    assert cli().stdout.split() == ["plain,start", "plain,stop"]


def test_without_its_packages_it_says_what_to_install(cli):
    code = (
        "import sys; sys.modules['click'] = None; import velaria._cli;"
        "raise SystemExit(velaria._cli.main(['sql', 'SELECT 1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=cli.environment,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "pip install 'velaria[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


# ---- the other commands that ask once


def test_probe(cli):
    answer = cli.json("probe", "--json", "flights.csv")
    assert answer["kind"] == "csv"
    assert answer["final_format"] == "csv"
    assert answer["confidence"] in ("high", "medium", "low")
    assert answer["schema"][1] == {"name": "delay", "type": "int64"}
    assert {"score", "suggested_table_name", "candidates", "warnings"} <= set(answer)
    shown = cli("probe", "flights.csv").stdout
    assert "delay" in shown
    assert "int64" in shown
    assert "['" not in shown
    assert "paths" not in shown
    assert f"{answer['score']:.2f}\n" in "".join(
        line.rstrip() + "\n" for line in shown.splitlines()
    )


def test_sql_tells_what_it_guessed(cli):
    (cli.folder / "odd.csv").write_bytes("Umsätze\n\nOrt;n\nKöln;1\nMünchen;2\n".encode("cp1252"))
    done = cli("sql", "-f", "csv", "SELECT count(*) AS n FROM 'odd.csv'")
    assert done.stdout == "n\n2\n"
    told = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in told] == ["warning:"] * len(told)
    assert "is read as cp1252" in told[0]
    assert "the first 2 lines are taken as a title" in told[1]
    assert cli("sql", "SELECT 1 AS n").stderr == ""


def test_explain(cli, monkeypatch):
    query = "SELECT count(*) FROM 'flights.csv' WHERE delay > 5"
    monkeypatch.chdir(cli.folder)
    expected = velaria.Session().explain_sql(query)
    assert cli("explain", query).stdout == expected
    answer = cli.json("explain", "--json", query)
    assert answer["text"] == expected
    assert list(answer["sections"]) == ["logical", "optimized", "physical"]
    assert "rows" in cli("explain", "--analyze", query).stdout
    stream = cli.json("explain", "--json", "--source", "e=events", "SELECT k, n FROM e")
    assert list(stream["sections"]) == ["logical", "physical", "strategy"]
    assert "selected_mode=single-process" in stream["sections"]["strategy"].splitlines()


def test_vector_search(cli):
    vectors = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    (cli.folder / "v.csv").write_text(
        "id,v\n" + "".join(f'{i},"[{a} {b}]"\n' for i, (a, b) in enumerate(vectors))
    )
    session = velaria.Session()
    session.create_temp_view("v", session.read(cli.folder / "v.csv"))
    for metric in ("cosine", "dot", "l2"):
        expected = session.vector_search("v", "v", [1, 0.5], top_k=2, metric=metric).to_rows()
        for vector in ("[1 0.5]", "[1, 0.5]", "1,0.5"):
            found = cli.json("vector-search", "v.csv", "v", vector, "-k", 2, "-m", metric, "--json")
            assert found["rows"] == expected
    explained = cli("vector-search", "-t", "w=v.csv", "w", "v", "[1 0.5]", "--explain").stdout
    lines = explained.splitlines()
    assert lines[:4] == ["mode=exact-scan", "metric=cosine", "dimension=2", "top_k=10"]
    assert lines[4] == "candidate_rows=3"
    assert lines[5].startswith("backend=")
    assert lines[6:8] == ["filter_pushdown=false", "acceleration=flat-buffer+simd-topk"]
    expect_error(
        cli, "vector-search", "v.csv", "v", "[1 2 3]", code=1, kind="TypeMismatchError",
        phase="plan", says="3",
    )  # fmt: skip
    expect_error(
        cli, "vector-search", "v.csv", "v", "[a]", code=1, kind="InvalidArgumentError",
        phase="arguments", says="'a'",
    )  # fmt: skip


# ---- streams


def test_a_stream_of_files(cli):
    query = "SELECT k, sum(n) AS n FROM e GROUP BY k"
    lines = cli("stream", "--source", "e=events", query, "--progress-file", "p.jsonl").stdout
    rows = [json.loads(line) for line in lines.splitlines()]
    assert rows[-2:] == [{"k": "a", "n": 3}, {"k": "b", "n": 3}]
    assert len(rows) == 6
    moments = [json.loads(line) for line in (cli.folder / "p.jsonl").read_text().splitlines()]
    assert set(PROGRESS_FIELDS.split()) <= set(moments[-1])
    assert moments[-1]["status"] == "stopped"
    assert moments[-1]["batches_processed"] == 3
    two = cli("stream", "--source", "e=events", "--max-batches", 2, query).stdout
    assert len(two.splitlines()) == 4
    assert two.splitlines() == lines.splitlines()[:4]


def test_a_stream_into_files_and_sinks(cli):
    windows = "SELECT w, count(*) AS n FROM e WINDOW BY t EVERY 60000 AS w GROUP BY w"
    cli("stream", "--source", "e=events", "-o", "w.csv", windows)
    assert len((cli.folder / "w.csv").read_text().splitlines()) == 7
    cli("stream", "--source", "e=events", "-o", "w.jsonl", windows)
    rows = [json.loads(line) for line in (cli.folder / "w.jsonl").read_text().splitlines()]
    assert rows[-1] == {"w": "2024-01-01T00:01:00", "n": 3}
    for more in ([], ["-o", "w.jsonl"]):
        twice = cli("stream", "--source", "e=events", *more, "SELECT k, k FROM e", code=1)
        assert "'k'" in twice.stderr
    cli(
        "stream",
        "--init", "CREATE SOURCE TABLE s OPTIONS(path: 'events'); "
        "CREATE SINK TABLE o OPTIONS(path: 'o.csv')",
        "INSERT INTO o SELECT k, n FROM s WHERE k = 'a'",
    )  # fmt: skip
    assert velaria.Session().read(cli.folder / "o.csv").to_rows() == [
        {"k": "a", "n": n} for n in range(3)
    ]


def test_a_restored_stream_keeps_the_rows_of_its_file(cli):
    (cli.folder / "in").mkdir()
    stream = [
        "stream", "--source", "e=in", "--checkpoint-path", "c", "--checkpoint-delivery-mode",
        "best-effort",
    ]  # fmt: skip
    for number in range(2):
        (cli.folder / "in" / f"{number}.csv").write_text(f"n\n{number}\n")
        cli(*stream, "-o", "rows.jsonl", "SELECT n FROM e")
    assert (cli.folder / "rows.jsonl").read_text() == '{"n":0}\n{"n":1}\n'
    # A pipe may lose rows that a checkpoint would call written.
    refused = cli(*stream, "SELECT n FROM e", code=2)
    assert "--output FILE" in refused.stderr


def test_a_stream_says_what_it_left_out(cli):
    (cli.folder / "some").mkdir()
    (cli.folder / "some" / "a.csv").write_text("n\n1\n2,3\n4\n")
    done = cli(
        "stream",
        "--init", "CREATE SOURCE TABLE s (n BIGINT) OPTIONS(path: 'some', on_error: 'skip')",
        "SELECT n FROM s",
    )  # fmt: skip
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"n": 1}, {"n": 4}]
    assert done.stderr.startswith("warning: ")
    assert "a.csv" in done.stderr
    assert "1 of 3 rows is left out" in done.stderr


@pytest.mark.parametrize("growing", ["file", "folder"])
def test_followed_sources_go_on_with_what_comes(cli, growing):
    folder = cli.folder / "live"
    folder.mkdir()
    (folder / "1.csv").write_text("n\n1\n")
    path = "live/1.csv" if growing == "file" else "live"
    query = "SELECT n FROM e"
    (row,) = cli("stream", "--source", f"e={path}", query).stdout.splitlines()
    assert json.loads(row) == {"n": 1}  # without --follow it ends
    with cli.live(
        "stream", "--source", f"e={path}", "--follow", "--max-batches", 2, query,
    ) as process:  # fmt: skip
        assert json.loads(process.stdout.readline()) == {"n": 1}
        with open(folder / ("1.csv" if growing == "file" else "2.csv"), "a") as file:
            file.write("2\n" if growing == "file" else "n\n2\n")
        assert json.loads(process.stdout.readline()) == {"n": 2}
        assert process.wait(300) == 0, process.stderr.read()


def test_a_live_stream_of_lines(cli):
    with cli.live(
        "stream", "--source", "s=-", "SELECT a, b FROM s WHERE a <> 2", stdin=subprocess.PIPE
    ) as process:
        process.stdin.write("a,b\n1,x\n")
        process.stdin.flush()
        # The row comes while the input is still open.
        assert json.loads(process.stdout.readline()) == {"a": 1, "b": "x"}
        process.stdin.write('2,y\n3,"two\nlines"\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"a": 3, "b": "two\nlines"}
        process.stdin.write("4,end")
        process.stdin.close()
        assert json.loads(process.stdout.readline()) == {"a": 4, "b": "end"}
        assert process.wait(300) == 0, process.stderr.read()


def test_a_live_stream_keeps_to_the_dialect_of_its_first_lines(cli):
    with cli.live("stream", "--source", "s=-", "SELECT b FROM s", stdin=subprocess.PIPE) as process:
        process.stdin.write('a,b\n1,"x \\" y"\n2,"z \\" w"\n')
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["b"] for _ in range(2)] == ['x " y', 'z " w']
        out, words = process.communicate('4,"q \\" r"\n')
    assert process.returncode == 0, words
    assert json.loads(out) == {"b": 'q " r'}


@pytest.mark.parametrize("encoding", ["cp1252", "gb18030"])
def test_a_live_stream_keeps_to_the_encoding_of_its_first_lines(cli, encoding):
    words = ["café", "Müller", "naïve", "señor"] if encoding == "cp1252" else ["北京", "上海"] * 9
    with cli.live("stream", "--source", "s=-", "SELECT b FROM s", stdin=subprocess.PIPE) as process:
        first = "a,b\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words))
        process.stdin.buffer.write(first.encode(encoding))
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["b"] for _ in words] == words
        process.stdin.buffer.write(f"99,{words[-1]}\n".encode(encoding))
        process.stdin.close()
        assert json.loads(process.stdout.readline()) == {"b": words[-1]}
        assert process.wait(300) == 0, process.stderr.read()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_live_stream_refuses_wide_characters_by_name(cli, encoding):
    text = "a,b\n1,x\n2,y\n".encode(encoding)
    process = cli.start("stream", "--source", "s=-", "SELECT b FROM s", stdin=subprocess.PIPE)
    process.stdin.buffer.write(text)
    _, words = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"standard input is {encoding.upper()}" in words
    assert "iconv" in words


def test_a_quote_within_a_field_holds_nothing_back(cli):
    with cli.live("stream", "--source", "s=-", "SELECT a FROM s", stdin=subprocess.PIPE) as process:
        for line, rows in [
            ('a,b\n0,"x\n', []),
            ('y"\n', [0]),
            ('1,5" pipe\n', [1]),
            ('2,"a ""b\n', []),
            ('"""\n3,\n', [2, 3]),
        ]:
            process.stdin.write(line)
            process.stdin.flush()
            for a in rows:
                assert json.loads(process.stdout.readline()) == {"a": a}


def test_a_broken_line_ends_the_stream_with_an_error(cli):
    done = cli("stream", "--source", "s=-", "SELECT a FROM s", text="a,b\n1,2\n5,1,1\n", code=1)
    assert done.stderr.startswith("velaria: ")
    assert "3 fields" in done.stderr
    # The first lines make the types; what comes later must fit them.
    with cli.live("stream", "--source", "s=-", "SELECT a FROM s", stdin=subprocess.PIPE) as process:
        process.stdin.write("a,b\n1,2\n")
        process.stdin.flush()
        assert process.stdout.readline() == '{"a": 1}\n'
        out, words = process.communicate("x,2\n")
    assert (process.returncode, out) == (1, "")
    assert "'x'" in words
    # Types that were found hold each digit: no zero in front is dropped, no float is rounded.
    for first, later in (("1", "02134"), ("1.5", "9007199254740993")):
        with cli.live(
            "stream", "--source", "s=-", "SELECT a FROM s", stdin=subprocess.PIPE
        ) as process:
            process.stdin.write(f"a,b\n{first},2\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"a": float(first)}
            out, words = process.communicate(f"{later},2\n")
        assert (process.returncode, out) == (1, "")
        assert f"'{later}'" in words
    expect_error(
        cli, "stream", "--source", "s=-", "SELECT a FROM s", text="", code=1,
        kind="FileFormatError", phase="open", says="standard input is empty",
    )  # fmt: skip


# ---- signals and pipes


def unread_bytes(pipe):
    answer = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, answer)
    return answer[0]


def kernel_s(process):
    """Processor time of the threads that Python did not begin with."""
    ticks = 0
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        if task.name != str(process.pid):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def give(process, text):
    process.stdin.write(text)
    process.stdin.flush()


def wait_until_it_works(cli, process, arguments):
    """Until the command is in the midst of what its arguments ask for."""

    def wait_until(happened):
        while not happened():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)

    workspace = velaria.Workspace(cli.folder / "home")

    def has_progress():
        return workspace.runs() and workspace.run("latest").last_progress() is not None

    if "s=-" in arguments:
        give(process, "a,b\n1,2\n")
    if arguments[0] == "run":
        wait_until(has_progress)
    elif arguments[0] == "stream":
        assert process.stdout.readline() == '{"a": 1}\n'
    elif arguments[0] == "shell":
        give(process, "SELECT 1 AS one;\n")
        assert "one" in process.stdout.readline()
    elif arguments[-1] == "-":
        give(process, "SELECT")
        wait_until(lambda: unread_bytes(process.stdin) == 0)
    else:
        wait_until(lambda: kernel_s(process) > 0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "arguments",
    [
        ("sql", ENDLESS),
        ("sql", "--json", ENDLESS),
        ("sql", "-"),
        ("stream", "--source", "s=-", "SELECT a FROM s"),
        ("run", "start", "sql", ENDLESS),
        ("run", "start", "stream", "--source", "s=-", "SELECT a FROM s"),
        ("shell",),
    ],
    ids=lambda arguments: "-".join(arguments[:3]).replace(" ", "_")[:30],
)
def test_signals_end_in_order(cli, arguments, number):
    with cli.live(*arguments, stdin=subprocess.PIPE) as process:
        wait_until_it_works(cli, process, arguments)
        process.send_signal(number)
        _, words = process.communicate()
        code = process.returncode
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert "Traceback" not in words
    if arguments[0] == "run":
        assert cli.json("run", "list", "--json")["runs"][0]["status"] == "interrupted"


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "arrow", "parquet"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_no_failure(cli, form, unbuffered):
    cli.environment["PYTHONUNBUFFERED"] = unbuffered
    query = "SELECT n, n * 7919 % 10007 AS m FROM range(0, 300000) r(n)"
    process = cli.start("sql", "-f", form, query)
    process.stdout.buffer.read(10)
    process.stdout.close()
    words = process.stderr.read()
    assert process.wait(300) == 141
    assert words == ""
    process.stderr.close()


def test_no_colours_and_no_bar_on_a_pipe(cli):
    done = cli("sql", "SELECT count(*) FROM range(0, 30000000) r(n) WHERE n % 7 = 1")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stderr
    for command in (("probe", "flights.csv"), ("run", "list"), ("top", "--once")):
        assert "\x1b" not in cli(*command).stdout


# ---- the same answers as Python


def test_it_adds_no_semantics(cli, monkeypatch):
    query = (
        "SELECT carrier, count(*) AS n, avg(delay) AS mean, max(day) AS last "
        "FROM 'flights.csv' GROUP BY carrier ORDER BY carrier"
    )
    monkeypatch.chdir(cli.folder)
    expected = velaria.Session().sql(query).to_arrow()
    for name in ("o.arrow", "o.parquet"):
        cli("sql", "-o", name, query)
    assert pa.ipc.open_file(cli.folder / "o.arrow").read_all().equals(expected)
    assert pq.read_table(cli.folder / "o.parquet").equals(expected)


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
