"""What the Python tests share: sessions, and a seed that a failure prints."""

import os
import random

import pytest
import velaria


@pytest.fixture(params=[(1, 2048), (4, 3)], ids=["1-thread", "4-threads-chunks-of-3"])
def session(request):
    """Answers may not depend on threads and chunk size."""
    threads, chunk_rows = request.param
    with velaria.Session(threads=threads, _chunk_rows=chunk_rows) as made:
        yield made


@pytest.fixture
def rng(request):
    """Random data; VELARIA_TEST_SEED repeats a run."""
    seed = int(os.environ.get("VELARIA_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"VELARIA_TEST_SEED={seed}")
    return random.Random(seed)
