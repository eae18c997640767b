"""The example programs run and say what they should."""

import os
import pathlib
import subprocess
import sys

from bitable_server import APP_ID, APP_SECRET, APP_TOKEN, BitableServer

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


def run(name, *arguments, **options):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_live_orders():
    lines = run("live_orders.py").splitlines()
    # Batches 0 to 2 are of 12:00 and 3 to 5 of 12:01; Lima has the orders 1, 4 and 7 of each.
    assert lines[0] == f"12:00  Lima  {sum(10 * b * 3 + 12 for b in range(3)):>5}"
    assert lines[3] == f"12:01  Lima  {sum(10 * b * 3 + 12 for b in range(3, 6)):>5}"
    assert lines[-1] == "6 batches"


def test_nearest_vectors():
    out = run("nearest_vectors.py")
    ids = [line.split()[0] for line in out.splitlines()[3:6]]
    assert ids == ["90", "89", "91"] or ids == ["90", "91", "89"]
    assert "mode=exact-scan" in out


def test_excel_report(tmp_path):
    lines = run("excel_report.py", cwd=tmp_path).splitlines()
    assert lines[0] == "Schema(day: date32, zip: utf8, amount: float64)"
    # Of the zip 02101 are the days 1, 4, 7 ... of the quarter.
    january = [n * 1.25 for n in range(31) if n % 3 == 1]
    assert lines[4].split() == ["1", str(len(january)), str(sum(january))]


def test_custom_source():
    lines = run("custom_source.py").splitlines()
    assert lines[0] == "  [{'line': 'tick', 'n': 1}, {'line': 'tock', 'n': 1}]"
    assert lines[1:5] == [
        "  [{'line': 'tick', 'n': 2}]",
        "2 batches",
        "  [{'line': 'tick', 'n': 3}]",  # the second run goes on: the third tick of the file
        "1 batches",
    ]
    assert lines[-1] == "ok: restore behind each of 2 offsets"


def test_tasks_by_owner():
    with BitableServer() as server:
        people = [{"id": f"ou_{n}", "name": name} for n, name in enumerate(("Ada", "Bo"))]
        records = [{"Owner": people[: n % 3]} for n in range(900)]
        table_id = server.add_table("tasks", [("Owner", 11)], records)
        environment = {
            **os.environ,
            "FEISHU_APP_ID": APP_ID,
            "FEISHU_APP_SECRET": APP_SECRET,
            "BITABLE_BASE_URL": server.address,
        }
        lines = run("tasks_by_owner.py", APP_TOKEN, table_id, env=environment).splitlines()
    assert lines == ["   600  Ada", "   300  (nobody)", "   300  Bo", "2 pages"]
