"""The example programs run and say what they should."""

import pathlib
import subprocess
import sys

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


def run(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=120, check=False
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
