"""Random Arrow columns of every type that Velaria holds, as Arrow itself would give them back."""

import datetime
import decimal
import math

import pyarrow as pa

ALPHABET = "aZ09 ,\"'\né漢🙂\u0000"


def _text(rng):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.choice([0, 1, 5, 12, 13, 40])))


def _integer(bits, signed):
    low = -(2 ** (bits - 1)) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return lambda rng: rng.choice([low, high, 0, 1, rng.randint(low, high)])


def _float(rng):
    return rng.choice([0.0, -0.0, 1.5, math.inf, -math.inf, rng.uniform(-1e6, 1e6)])


def _timestamp(rng):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=rng.randint(-(10**9), 4 * 10**9)
    )


def _vector(rng):
    return [float(rng.randint(-100, 100)) for _ in range(4)]


# type, value from rng
COLUMNS = {
    "bool": (pa.bool_(), lambda rng: rng.random() < 0.5),
    "int8": (pa.int8(), _integer(8, True)),
    "int16": (pa.int16(), _integer(16, True)),
    "int32": (pa.int32(), _integer(32, True)),
    "int64": (pa.int64(), _integer(64, True)),
    "uint8": (pa.uint8(), _integer(8, False)),
    "uint16": (pa.uint16(), _integer(16, False)),
    "uint32": (pa.uint32(), _integer(32, False)),
    "uint64": (pa.uint64(), _integer(64, False)),
    "float32": (pa.float32(), lambda rng: float(rng.randint(-1000, 1000)) / 8),
    "float64": (pa.float64(), _float),
    "decimal": (
        pa.decimal128(20, 3),
        lambda rng: decimal.Decimal(rng.randint(-(10**20) + 1, 10**20 - 1)).scaleb(-3),
    ),
    "utf8": (pa.string(), _text),
    "binary": (pa.binary(), lambda rng: rng.randbytes(rng.choice([0, 3, 12, 13, 50]))),
    "date": (pa.date32(), lambda rng: _timestamp(rng).date()),
    "time": (
        pa.time64("us"),
        lambda rng: (
            datetime.datetime.min + datetime.timedelta(microseconds=rng.randrange(86400 * 10**6))
        ).time(),
    ),
    "timestamp_s": (pa.timestamp("s"), _timestamp),
    "timestamp_ms": (pa.timestamp("ms"), _timestamp),
    "timestamp_us": (pa.timestamp("us"), _timestamp),
    "timestamp_ns": (pa.timestamp("ns"), _timestamp),
    "timestamp_utc": (
        pa.timestamp("us", "UTC"),
        lambda rng: _timestamp(rng).replace(tzinfo=datetime.timezone.utc),
    ),
    "vector": (pa.list_(pa.field("item", pa.float32()), 4), _vector),
}


def random_column(rng, name, rows, null_share=0.2):
    kind, value = COLUMNS[name]
    values = [None if rng.random() < null_share else value(rng) for _ in range(rows)]
    return pa.array(values, kind)


def random_table(rng, rows, names=None):
    """All types, or those named, in random record batches."""
    names = list(COLUMNS) if names is None else names
    table = pa.table({name: random_column(rng, name, rows) for name in names})
    batches = []
    begin = 0
    while begin < rows:
        size = rng.randint(1, max(1, rows // 3))
        batches.extend(table.slice(begin, size).to_batches())
        begin += size
    return pa.Table.from_batches(batches, table.schema)
