"""Sources written in Python that several tests use."""

import pyarrow
import velaria

SCHEMA = {"n": "int64"}


def numbers(count):
    return ({"n": n} for n in range(count))


def ticks(offset):
    for n in range(int(offset or 0), 10):
        yield {"n": n}


class Ticks(velaria.CustomArrowStreamSource):
    """Overrides next_batch: says "not now" every other time."""

    schema = SCHEMA

    def open(self, context):
        self.next = 0
        self.asked = 0

    def restore(self, offset):
        self.next = int(offset)

    def next_batch(self):
        self.asked += 1
        if self.asked % 2:
            return False
        if self.next == 4:
            return None
        self.next += 1
        return pyarrow.table({"n": [self.next]}), str(self.next)
