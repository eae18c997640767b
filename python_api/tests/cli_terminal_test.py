"""The command line for people: tables, bars and live views on a terminal, and the shell."""

import re

import velaria
from cli_process import ENDLESS, on_terminal


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
