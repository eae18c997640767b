"""The report of run_reliability.sh, made from outputs that tools have printed."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).absolute().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

from reliability import __main__ as command_line  # noqa: E402
from reliability import run as run_module  # noqa: E402
from reliability.outputs import read_output  # noqa: E402
from reliability.report import BEGIN, END, merged, put_into, report  # noqa: E402
from reliability.run import run_stages  # noqa: E402
from reliability.stages import STAGES, Command, Stage  # noqa: E402

RECORDED = HERE / "recorded"


def recorded(name):
    return (RECORDED / f"{name}.txt").read_text()


def prints(name, exit_code=0):
    """A command that prints a recorded output, as the tool did."""
    path = str(RECORDED / f"{name}.txt")
    code = f"print(open({path!r}).read()); raise SystemExit({exit_code})"
    return Command(name, [sys.executable, "-c", code])


def stage(name, *commands, fills_its_time=False):
    return Stage(
        name,
        f"what {name} tries",
        f"{name} hold",
        60,
        fills_its_time,
        lambda seconds: list(commands),
    )


def run(tmp_path, stages, chosen=None):
    """The JSON of a run as the command writes it."""
    written = []
    chosen = {one.name: 60 for one in stages} if chosen is None else chosen
    run_stages(
        stages, chosen, tmp_path / "logs", lambda results: written.append(json.dumps(results))
    )
    return {
        "started": "2026-11-30 01:00 UTC",
        "seconds": 61.0,
        "machine": {"processor": "a processor", "cores": "2", "memory": ""},
        "versions": {"velaria": "1.2.3"},
        "stages": json.loads(written[-1]),
    }


def rows_of(text, first):
    """The cells of the table whose first column has that head."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines)
    out = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = line.replace("\\|", "/").strip("| ").split(" | ")
        out.append([cell.strip() for cell in cells])
    return out


def test_runs_of_different_stages_are_one_report(tmp_path):
    kills = stage("kills", prints("kills_passed"))
    broken = stage("soak", prints("kills_passed", exit_code=1))
    mended = stage("soak", prints("kills_passed"))
    first = run(tmp_path, [kills, broken])
    first["versions"]["commit"] = "aaa"
    second = {**run(tmp_path, [kills, mended], {"soak": 60}), "started": "2026-12-01 01:00 UTC"}
    second["versions"] = {"velaria": "1.2.4", "commit": "bbb"}
    both = merged([second, first])  # whatever the order
    assert {name: one["status"] for name, one in both["stages"].items()} == {
        "kills": "passed",
        "soak": "passed",
    }
    text = report(both)
    assert "Run of 2026-11-30 01:00 UTC, 2026-12-01 01:00 UTC, 2 min: 2 stages passed" in text
    assert "velaria 1.2.4; commit aaa, bbb" in text
    # The last word counts, also when it is a failure.
    second["started"] = "2026-11-29 01:00 UTC"
    assert merged([first, second])["stages"]["soak"]["status"] == "failed"
    second["machine"] = {"processor": "another"}
    with pytest.raises(ValueError, match="different machines"):
        merged([first, second])


def test_counts_of_one_kind_are_added_up():
    output = read_output(recorded("kills_passed"))
    assert output.tried == {
        "kills of a program with workers": 2,
        "kills of a worker process": 2,
        "queries killed and started again": 348 + 64,
        "kills of a query's process at a step": 506 + 22,
        "kills of a query's process at a random moment": 0 + 44,
        "cuts of the power": 258 + 32,
        "kills of a Python program at a random moment": 20,
        "kills of a worker process at a random moment": 8,
    }
    assert output.failures == []


def test_a_failure_is_told_in_the_words_of_the_tool():
    output = read_output(recorded("kills_failed"))
    assert output.tried["kills of a worker process at a random moment"] == 8
    assert "E         {3: (400, 559800)} != {3: (400, 560200)}" in output.failures
    names = [line for line in output.failures if line.startswith("FAILED ")]
    assert len(names) == 8
    assert "//python_api:stream_crash_test" in output.failures[-1]


@pytest.mark.parametrize(
    ("name", "tried", "failure"),
    [
        ("fuzzer_passed", "inputs of the csv fuzzer", None),
        ("fuzzer_failed", "inputs of the csv fuzzer", "ERROR: libFuzzer: out-of-memory"),
        ("soak_passed", "rows through a long-running stream", None),
        ("random_queries_passed", "random queries answered by both engines", None),
    ],
)
def test_each_tool_is_understood(name, tried, failure):
    output = read_output(recorded(name))
    assert output.tried[tried] > 0
    if failure is None:
        assert output.failures == []
    else:
        assert any(failure in line for line in output.failures)


def test_the_report_of_a_run_with_a_failure(tmp_path):
    stages = [
        stage("kills", prints("kills_passed"), prints("kills_failed", exit_code=3)),
        stage("soak", prints("soak_passed")),
        stage("sanitizers", prints("kills_passed")),
    ]
    made = run(tmp_path, stages, {"kills": 60, "soak": 90})
    text = report(made)
    assert text.startswith(
        "Run of 2026-11-30 01:00 UTC, 61 s: 1 stages passed, 1 stages failed, 1 stages not run.\n"
    )
    assert "- Machine: processor a processor; cores 2.\n" in text
    table = {cells[0]: cells[1:] for cells in rows_of(text, "stage")}
    assert table["`kills`"][:3] == ["what kills tries", "kills hold", "**failed**"]
    assert table["`soak`"][2] == "passed"
    assert table["`soak`"][4] == "90 s"
    assert table["`sanitizers`"][2] == "not run"
    faults = rows_of(text, "tried")
    program_kills = [cells for cells in faults if cells[0].startswith("kills of a Python program")]
    assert program_kills[0][1:] == ["20", "nothing"]
    assert program_kills[1][1] == "16"
    assert program_kills[1][2].startswith("**failed**: E       assert {0: (400, 798")
    [rows] = [cells for cells in faults if cells[0].startswith("rows through")]
    assert rows[1:] == [f"{read_output(recorded('soak_passed')).tried[rows[0]]:,}", "nothing"]
    assert not any("sanitizers" in cells[0] for cells in faults)
    assert (
        "What failed in `kills`, kills_failed (all of it in `logs/kills.kills_failed.log`)" in text
    )
    assert "E         {3: (400, 559800)} != {3: (400, 560200)}\n" in text
    assert "exit code 3\n" in text
    assert (tmp_path / "logs/kills.kills_failed.log").read_text().startswith("WARNING")
    assert "MB of growth behind the first fifth" in text


def test_a_command_that_tells_no_count_has_failed(tmp_path):
    silent = Command("silent", [sys.executable, "-c", "print('all is well')"])
    nothing = Command("nothing", [sys.executable, "-c", "print('tried: 0 faults')"])
    made = run(tmp_path, [stage("a", silent, nothing)])
    for command in made["stages"]["a"]["commands"]:
        assert command["status"] == "failed"
        assert command["failures"][0] == "it told no count of what it tried"
    assert made["stages"]["a"]["commands"][0]["failures"][1] == "all is well"
    assert [cells[0] for cells in rows_of(report(made), "tried")] == [
        "silent (what a tries)",
        "faults",
    ]


def test_an_exit_code_alone_is_a_failure(tmp_path):
    made = run(tmp_path, [stage("a", Command("x", ["sh", "-c", "echo 'tried: 5 things'; exit 9"]))])
    assert made["stages"]["a"]["status"] == "failed"
    assert made["stages"]["a"]["commands"][0]["failures"] == ["tried: 5 things", "exit code 9"]


def test_a_command_over_its_limit_is_ended_with_what_it_started(tmp_path):
    pid_file = tmp_path / "pid"
    script = f"echo 'tried: 1 thing'; sleep 600 & echo $! > {pid_file}; wait"
    begin = time.monotonic()
    made = run(tmp_path, [stage("a", Command("long", ["sh", "-c", script]))], {"a": 2})
    assert time.monotonic() - begin < 30
    command = made["stages"]["a"]["commands"][0]
    assert command["status"] == "failed"
    assert command["failures"] == ["stopped after 2 s, not done"]
    assert command["tried"] == {"thing": 1}
    status = Path(f"/proc/{int(pid_file.read_text())}/stat")
    end = time.monotonic() + 10
    while status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_interrupted_run_keeps_what_was_done(tmp_path, monkeypatch, capsys):
    stages = [stage("a", prints("kills_passed"), prints("soak_passed")), stage("b")]
    monkeypatch.setattr(command_line, "STAGES", stages)
    run_command = run_module.run_command

    def interrupted(command, *rest):
        if command.name == "soak_passed":
            raise KeyboardInterrupt
        return run_command(command, *rest)

    monkeypatch.setattr(run_module, "run_command", interrupted)
    assert command_line.main(["--output", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "interrupted before its end." in text
    table = {cells[0]: cells[1:] for cells in rows_of(text, "stage")}
    assert table["`a`"][2] == "interrupted"
    assert table["`b`"][2] == "not run"
    assert ["cuts of the power", "290", "nothing"] in rows_of(text, "tried")


def test_budgets_are_shared_by_the_commands_that_fill_them():
    stages = {one.name: one for one in STAGES}
    fuzzers = stages["fuzzers"].commands(500)
    targets = sorted(path.name[: -len("_fuzz.cc")] for path in Path("tests/fuzz").glob("*_fuzz.cc"))
    if targets:  # not in Bazel's sandbox
        assert [command.name for command in fuzzers] == targets
        assert {command.arguments[-1] for command in fuzzers} == {str(500 // len(targets))}
    assert stages["soak"].commands(77)[0].arguments[-2:] == ["--seconds", "77"]


def test_the_command_line(tmp_path, monkeypatch, capsys):
    stages = [stage("good", prints("kills_passed")), stage("bad", prints("kills_failed", 3))]
    monkeypatch.setattr(command_line, "STAGES", stages)
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{BEGIN}\nan old report\n{END}\n\nmore\n")
    output = ["--output", str(tmp_path / "out")]
    assert command_line.main([*output, "--leave-out", "bad", "--into", str(page)]) == 0
    shown = capsys.readouterr().out
    assert shown in page.read_text()
    assert "| `bad` | what bad tries | bad hold | not run |" in shown
    assert page.read_text().startswith("# A page\n")
    assert page.read_text().endswith("\n\nmore\n")
    assert "an old report" not in page.read_text()
    assert command_line.main([*output, "--stages", "bad", "--seconds", "bad=30"]) == 1
    [*_, latest] = sorted((tmp_path / "out").glob("*.json"), key=os.path.getmtime)
    made = json.loads(latest.read_text())
    assert made["stages"]["good"]["status"] == "not run"
    assert made["stages"]["bad"]["budget_seconds"] == 30
    assert made["machine"]["cores"]
    assert latest.with_suffix(".md").read_text() == report(made)
    assert command_line.main(["--report-of", str(latest)]) == 1
    for wrong in (["--stages", "ugly"], ["--seconds", "bad=soon"], ["--seconds", "bad=0"]):
        with pytest.raises(SystemExit) as caught:
            command_line.main(wrong)
        assert caught.value.code == 2


def test_a_page_without_its_marks_is_not_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n")
    with pytest.raises(ValueError, match="needs one line"):
        put_into(page, "text")
    assert page.read_text() == "# A page\n"
