"""What the Python tests share: sessions, a seed that a failure prints, a count of faults tried."""

import os
import random
import signal
from collections import Counter

import pytest
import velaria

# Where a shell starts the tests in the background Ctrl-C is ignored, also by programs of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=[(1, 2048), (4, 3)], ids=["1-thread", "4-threads-chunks-of-3"])
def session(request):
    """Answers may not depend on threads and chunk size."""
    threads, chunk_rows = request.param
    with velaria.Session(threads=threads, _chunk_rows=chunk_rows) as made:
        yield made


@pytest.fixture(params=["openpyxl", "calamine"])
def engine(request):
    """What reads Excel files."""
    if request.param == "calamine":
        pytest.importorskip("python_calamine")
    return request.param


@pytest.fixture
def server():
    """A Bitable service without tables."""
    from bitable_server import BitableServer

    with BitableServer() as running:
        yield running


@pytest.fixture
def cli(tmp_path):
    """The command line in a folder with a table of flights and a stream of events."""
    from cli_process import FLIGHTS, Cli

    (tmp_path / "flights.csv").write_text(FLIGHTS)
    events = tmp_path / "events"
    events.mkdir()
    for batch in range(3):
        (events / f"{batch}.csv").write_text(
            f"k,n,t\na,{batch},2024-01-01 00:00:01\nb,1,2024-01-01 00:01:07\n"
        )
    return Cli(tmp_path)


_FAULTS = Counter()


@pytest.fixture
def workspace(tmp_path):
    """A new home of runs."""
    return velaria.Workspace(tmp_path / "home")


@pytest.fixture(scope="module")
def one():
    """A session for a whole file."""
    with velaria.Session() as session:
        yield session


@pytest.fixture
def faults():
    """Tests count here what they broke on purpose; the end of the run tells it."""
    return _FAULTS


def pytest_terminal_summary(terminalreporter):
    for what, count in sorted(_FAULTS.items()):
        terminalreporter.write_line(f"tried: {count} {what}")


@pytest.fixture
def rng(request):
    """Random data; VELARIA_TEST_SEED repeats a run."""
    seed = int(os.environ.get("VELARIA_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"VELARIA_TEST_SEED={seed}")
    return random.Random(seed)
