"""The command line for people: tables, bars and live views on a terminal, and the shell."""

import io
import re

import pytest
import velaria
from cli_process import ENDLESS, on_terminal
from rich.console import Console
from velaria._cli._live import count_text, runs_table


def test_on_a_terminal(cli):
    code, shown = on_terminal(cli, "sql", "SELECT n FROM range(0, 70) r(n)")
    assert code == 0
    assert "(70 rows, the first 50 shown; --rows N shows more)" in shown
    code, shown = on_terminal(cli, "sql", "-f", "arrow", "SELECT 1")
    assert code == 2
    assert "not for a terminal" in shown
    # Texts of a file cannot steer the terminal.
    (cli.folder / "evil.csv").write_text("a\n\x1b]0;title\x07\n")
    _, shown = on_terminal(cli, "sql", "SELECT * FROM 'evil.csv'")
    assert "\\x1b]0;title\\x07" in shown


def test_a_bar_on_a_terminal(cli):
    query = (
        "SELECT count(*) AS c FROM range(0, 3000000) a(n) JOIN range(0, 300) b(m) "
        "ON (n * 7 + m) % 1000003 = 5"
    )
    code, shown = on_terminal(cli, "sql", query)
    assert code == 0
    assert re.search(r"\[#*\.*\] +\d+ %", shown)


def test_the_live_view(cli):
    code, shown = on_terminal(
        cli, "stream", "--source", "e=events", "SELECT k, sum(n) AS n FROM e GROUP BY k"
    )
    assert code == 0
    assert "rows/s now" in shown
    assert "stopped: 6 rows in, 6 out, 3 batches" in shown


def test_the_view_of_runs_cuts_no_number():
    run = {"run_id": "20240229T121500000-0123abcd", "name": "a long name " * 5, "action": "stream",
           "status": "running"}  # fmt: skip
    stream = {"rows_in": 1234567890, "rows_out": 987654321, "input_rows_per_second": 7654321.5,
              "last_batch_latency_ms": 1234.5, "inflight_batches": 16,
              "state_size_bytes": 1023 * 2**20}  # fmt: skip
    query = {"rows_scanned": 1234567890, "elapsed_ms": 60000.0, "rows_out": 0, "status": "running"}
    numbers = {
        80: ("1.23 G", "7,654,322", "20.58 M"),
        90: ("987.65 M",),
        100: (" stream ",),
        110: ("1,234.5 ms",),
        125: (" 16 ", "1023.0 MiB"),
        200: ("a long name " * 4,),
    }
    for width in numbers:
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(runs_table([(run, stream), (run, query), (run, None)], width))
        shown = console.export_text()
        assert shown.count(run["run_id"]) == 3
        for least, texts in numbers.items():
            for text in texts:
                assert (text in shown) is (width >= least), (text, width)
        assert "…" not in shown


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9_999_999.4, "9,999,999"),
        (9_999_999.6, "10.00 M"),
        (999_994_000, "999.99 M"),
        (999_999_000, "1.00 G"),
        (4.2e15, "4,200.00 T"),
    ],
)
def test_counts_stay_short(count, text):
    assert count_text(count) == text


# ---- the shell


def test_shell_reads_scripts(cli):
    script = (
        ".timer off\nCREATE TABLE t (n BIGINT);\nINSERT INTO t VALUES (1), (2); SELECT sum(n)\n"
        "AS s, ';' AS c -- not the end;\nFROM t;\n.format csv\nSELECT n FROM t;\n.tables\n"
    )
    done = cli("shell", "-t", "f=flights.csv", text=script)
    assert "s  c" in done.stdout
    assert "    3  ;" in done.stdout
    assert "n\n1\n2\n" in done.stdout
    assert "f,view" in done.stdout
    failing = cli("shell", text="SELECT 1 AS one;\nSELEC 2;\nSELECT 3 AS three;\n", code=1)
    assert "one" in failing.stdout
    assert "three" not in failing.stdout
    assert "SELEC" in failing.stderr
    assert cli("shell", text=".nosuch\n", code=2).stderr.startswith("velaria: ")
    assert "7" in cli("shell", text="SELECT 7 AS seven").stdout


def test_shell_completes_names():
    from velaria._cli._errors import State
    from velaria._cli._shell import Shell

    with velaria.Session() as session:
        session.create_temp_view("regions", session.sql("SELECT 1 AS Regexp, 2 AS reg_id"))
        shell = Shell(State(False), session)
        reg = list(shell.completions("reg"))
        assert reg[:3] == ["regions", "Regexp", "reg_id"]
        assert "regexp_replace" in reg
        assert "regr_slope" in reg
        # Once each, whatever it is spelled like.
        assert [name for name in shell.completions("cOUNt") if name.lower() == "count"] == ["COUNT"]
        assert "dense_rank" in shell.completions("dense")
        assert list(shell.completions("no_such_")) == []
        for name in shell.completions("r"):
            assert name.isidentifier()


def test_shell_completes_functions_on_a_terminal(cli):
    code, shown = on_terminal(
        cli,
        "shell",
        keys=[
            # One name goes on so: the rest of it is put in.
            ("velaria>", "SELECT regexp_repl\t"),
            ("ace", "('abcabc', 'b', '-', 'g') AS x;\r"),
            # Several do: they are shown, and one more Tab takes the first.
            ("a-ca-c", "SELECT regr_\t"),
            ("regr_syy", "\t(x, 2 * x + 1) AS y FROM range(0, 9) r(x);\r"),
            ("(1 row)", ".quit\r"),
        ],
    )
    assert code == 0
    for name in ("regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope"):
        assert name in shown
    history = (cli.folder / "home" / "history").read_text()
    assert "SELECT regexp_replace('abcabc', 'b', '-', 'g') AS x;" in history
    assert "SELECT regr_avgx(x, 2 * x + 1) AS y" in history


def test_shell_is_typed_into(cli):
    code, shown = on_terminal(
        cli,
        "shell",
        "-t",
        "flights=flights.csv",
        keys=[
            ("velaria>", "SELECT count(*) AS n\r"),
            ("->", "FROM fli\t"),
            ("flights", ";\r"),
            ("(1 row)", "SELECT nope;\r"),
            ("error:", ENDLESS + ";\r"),
            (" %  ", "\x03"),  # of the bar: the query runs
            ("stopped", "SELECT 40 + 2 AS x;\r"),
            ("42", ".quit\r"),
        ],
    )
    assert code == 0
    assert "'nope'" in shown
    assert "42" in shown
    history = (cli.folder / "home" / "history").read_text()
    assert "FROM flights;" in history
