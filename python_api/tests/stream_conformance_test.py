"""The checks for sources and sinks of users pass what is right and find what is not."""

import time

import pytest
import velaria
import velaria.testing
from custom_sources import SCHEMA, Ticks, numbers, ticks


def test_the_kit_passes_what_is_right():
    def make():
        return velaria.CustomArrowStreamSource(ticks, schema=SCHEMA, emit_rows=3)

    report = velaria.testing.check_stream_source(make, rows=[{"n": n} for n in range(10)])
    assert "restore behind each of 4 offsets" in report.checked
    report = velaria.testing.check_stream_source(Ticks)
    assert "restore behind each of 4 offsets" in report.checked
    report = velaria.testing.check_stream_source(
        lambda: velaria.CustomArrowStreamSource(lambda: numbers(5), schema=SCHEMA)
    )
    assert report.checked[-1] == "stop"


def test_the_kit_passes_an_endless_source():
    def read(offset):
        n = int(offset or 0)
        while True:
            yield {"n": n}
            n += 1

    def make():
        return velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=2, bounded=False)

    velaria.testing.check_stream_source(make, max_batches=6)


class Broken(Ticks):
    """Each subclass breaks one rule."""


class LosesARow(Broken):
    def restore(self, offset):
        self.next = int(offset) + 1


class Repeats(Broken):
    def restore(self, offset):
        self.next = int(offset) - 1


class OneOffset(Broken):
    def next_batch(self):
        given = super().next_batch()
        return (given[0], "same") if isinstance(given, tuple) else given

    def restore(self, offset):
        self.next = 4


class SleepsOn(Broken):
    def next_batch(self):
        time.sleep(11)
        return None


@pytest.mark.parametrize(
    ("make", "text"),
    [(LosesARow, "behind the offset"), (Repeats, "behind the offset"), (OneOffset, "same offset")],
)
def test_the_kit_finds_what_is_wrong(make, text):
    with pytest.raises(velaria.testing.ConformanceError, match=text):
        velaria.testing.check_stream_source(make)


def test_the_kit_finds_wrong_rows_and_slow_stops():
    rows = [{"n": n} for n in (1, 2, 3, 5)]
    with pytest.raises(velaria.testing.ConformanceError, match="row 3"):
        velaria.testing.check_stream_source(Ticks, rows=rows)
    with pytest.raises(velaria.testing.ConformanceError, match="stopping took"):
        velaria.testing._check_stop(SleepsOn, velaria.testing.Report())


class ListSink:
    def __init__(self):
        self.rows = []

    def write_arrow(self, table):
        self.rows += table.to_pylist()


class Held(velaria.CustomArrowStreamSink):
    emit_rows = 4

    def __init__(self):
        super().__init__()
        self.rows = []

    def write_arrow(self, table):
        self.rows += table.to_pylist()


class Backwards(ListSink):
    def write_arrow(self, table):
        self.rows += table.to_pylist()[::-1]


class Late(ListSink):
    """Keeps what is written until it is closed."""

    def __init__(self):
        super().__init__()
        self.held = []

    def write_arrow(self, table):
        self.held += table.to_pylist()

    def close(self):
        self.rows += self.held


def test_the_kit_for_sinks():
    for make in (ListSink, Held):
        report = velaria.testing.check_stream_sink(make, lambda sink: sink.rows)
        assert len(report.checked) == 5
    for make, text in ((Backwards, "row 0"), (Late, "must give out")):
        with pytest.raises(velaria.testing.ConformanceError, match=text):
            velaria.testing.check_stream_sink(make, lambda sink: sink.rows)
