"""Small tables of the shape of TPC-H: its schema, keys and value domains, not its exact values."""

import datetime
import decimal

import numpy as np
import pyarrow as pa

# Each with its region.
NATIONS = {
    "ALGERIA": 0,
    "ARGENTINA": 1,
    "BRAZIL": 1,
    "CANADA": 1,
    "EGYPT": 4,
    "ETHIOPIA": 0,
    "FRANCE": 3,
    "GERMANY": 3,
    "INDIA": 2,
    "INDONESIA": 2,
    "IRAN": 4,
    "IRAQ": 4,
    "JAPAN": 2,
    "JORDAN": 4,
    "KENYA": 0,
    "MOROCCO": 0,
    "MOZAMBIQUE": 0,
    "PERU": 1,
    "CHINA": 2,
    "ROMANIA": 3,
    "SAUDI ARABIA": 4,
    "VIETNAM": 2,
    "RUSSIA": 3,
    "UNITED KINGDOM": 3,
    "UNITED STATES": 1,
}
COLOURS = [
    "almond",
    "azure",
    "beige",
    "black",
    "blue",
    "brown",
    "coral",
    "cyan",
    "forest",
    "green",
    "grey",
    "ivory",
    "lime",
]
TYPES = [
    f"{size} {finish} {metal}"
    for size in ("STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO")
    for finish in ("ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED")
    for metal in ("TIN", "NICKEL", "BRASS", "STEEL", "COPPER")
]
CONTAINERS = [
    f"{size} {kind}"
    for size in ("SM", "LG", "MED", "JUMBO", "WRAP")
    for kind in ("CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM")
]
SEGMENTS = ["AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"]
PRIORITIES = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
MODES = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]
INSTRUCTIONS = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
REMARKS = ["quick deposits", "Customer bold Complaints", "special idle requests", "even ideas"]
FIRST_DAY = (datetime.date(1992, 1, 1) - datetime.date(1970, 1, 1)).days
LAST_ORDER_DAY = (datetime.date(1998, 8, 2) - datetime.date(1970, 1, 1)).days
RETURNED_BEFORE_DAY = (datetime.date(1995, 6, 17) - datetime.date(1970, 1, 1)).days


def _cents(values):
    numbers = [decimal.Decimal(int(value)).scaleb(-2) for value in values]
    return pa.array(numbers, pa.decimal128(15, 2))


def _dates(days):
    return pa.array(np.asarray(days, dtype=np.int32)).cast(pa.date32())


def make_tables(orders=15000, seed=8):
    """The eight tables by name; the others have their usual number of rows for each order."""
    rng = np.random.default_rng(seed)

    def pick(choices, count):
        return pa.array([choices[i] for i in rng.integers(0, len(choices), count)])

    def number(low, high, count):
        return rng.integers(low, high, count, endpoint=True)

    def business(letter, key, name, count):
        """What suppliers and customers have in common."""
        nations = number(0, 24, count)
        return {
            f"{letter}_{key}key": range(1, count + 1),
            f"{letter}_name": [f"{name}#{i:09}" for i in range(1, count + 1)],
            f"{letter}_address": [f"address {i}" for i in range(count)],
            f"{letter}_nationkey": nations,
            f"{letter}_phone": [f"{nation + 10}-{i:09}" for i, nation in enumerate(nations)],
            f"{letter}_acctbal": _cents(number(-99999, 999999, count)),
        }

    suppliers, customers, parts = orders // 150, orders // 10, orders * 2 // 15
    tables = {
        "region": pa.table(
            {
                "r_regionkey": range(5),
                "r_name": ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"],
                "r_comment": pick(REMARKS, 5),
            }
        ),
        "nation": pa.table(
            {
                "n_nationkey": range(25),
                "n_name": list(NATIONS),
                "n_regionkey": list(NATIONS.values()),
                "n_comment": pick(REMARKS, 25),
            }
        ),
    }
    tables["supplier"] = pa.table(
        {**business("s", "supp", "Supplier", suppliers), "s_comment": pick(REMARKS, suppliers)}
    )
    tables["customer"] = pa.table(
        {
            **business("c", "cust", "Customer", customers),
            "c_mktsegment": pick(SEGMENTS, customers),
            "c_comment": pick(REMARKS, customers),
        }
    )
    names = zip(pick(COLOURS, parts).to_pylist(), pick(COLOURS, parts).to_pylist())
    tables["part"] = pa.table(
        {
            "p_partkey": range(1, parts + 1),
            "p_name": [f"{a} {b}" for a, b in names],
            "p_mfgr": [f"Manufacturer#{i}" for i in number(1, 5, parts)],
            "p_brand": [f"Brand#{i}{j}" for i, j in number(1, 5, (parts, 2))],
            "p_type": pick(TYPES, parts),
            "p_size": pa.array(number(1, 50, parts).astype(np.int32)),
            "p_container": pick(CONTAINERS, parts),
            "p_retailprice": _cents(number(90000, 200000, parts)),
            "p_comment": pick(REMARKS, parts),
        }
    )
    supplier_of = (
        np.arange(parts)[:, None] + np.arange(4)[None, :] * (suppliers // 4)
    ) % suppliers + 1
    tables["partsupp"] = pa.table(
        {
            "ps_partkey": np.repeat(np.arange(1, parts + 1), 4),
            "ps_suppkey": supplier_of.reshape(-1),
            "ps_availqty": pa.array(number(1, 9999, 4 * parts).astype(np.int32)),
            "ps_supplycost": _cents(number(100, 100000, 4 * parts)),
            "ps_comment": pick(REMARKS, 4 * parts),
        }
    )
    order_keys = np.arange(orders) // 8 * 32 + np.arange(orders) % 8 + 1
    order_days = number(FIRST_DAY, LAST_ORDER_DAY - 151, orders)
    lines = number(1, 7, orders)
    of_order = np.repeat(np.arange(orders), lines)
    count = len(of_order)
    shipped = order_days[of_order] + number(1, 121, count)
    received = shipped + number(1, 30, count)
    line_parts = number(1, parts, count)
    quantity = number(1, 50, count)
    # Every fiftieth order is a large one, for the query about those.
    quantity[of_order % 50 == 0] = 50
    returned = np.where(received <= RETURNED_BEFORE_DAY, number(0, 1, count), 2)
    open_lines = np.zeros(orders, dtype=int)
    np.add.at(open_lines, of_order, shipped > RETURNED_BEFORE_DAY)
    tables["orders"] = pa.table(
        {
            "o_orderkey": order_keys,
            # A third of the customers have no order.
            "o_custkey": number(0, customers // 3 - 1, orders) * 3 + number(1, 2, orders),
            "o_orderstatus": [
                "F" if still == 0 else "O" if still == all_lines else "P"
                for still, all_lines in zip(open_lines, lines)
            ],
            "o_totalprice": _cents(number(90000, 50000000, orders)),
            "o_orderdate": _dates(order_days),
            "o_orderpriority": pick(PRIORITIES, orders),
            "o_clerk": [f"Clerk#{i:09}" for i in number(1, 1000, orders)],
            "o_shippriority": pa.array(np.zeros(orders, dtype=np.int32)),
            "o_comment": pick(REMARKS, orders),
        }
    )
    tables["lineitem"] = pa.table(
        {
            "l_orderkey": order_keys[of_order],
            "l_partkey": line_parts,
            "l_suppkey": supplier_of[line_parts - 1, number(0, 3, count)],
            "l_linenumber": pa.array(np.ones(count, dtype=np.int32)),
            "l_quantity": _cents(quantity * 100),
            "l_extendedprice": _cents(quantity * number(90000, 200000, count)),
            "l_discount": _cents(number(0, 10, count)),
            "l_tax": _cents(number(0, 8, count)),
            "l_returnflag": [("A", "R", "N")[i] for i in returned],
            "l_linestatus": ["O" if day > RETURNED_BEFORE_DAY else "F" for day in shipped],
            "l_shipdate": _dates(shipped),
            "l_commitdate": _dates(order_days[of_order] + number(30, 90, count)),
            "l_receiptdate": _dates(received),
            "l_shipinstruct": pick(INSTRUCTIONS, count),
            "l_shipmode": pick(MODES, count),
            "l_comment": pick(REMARKS, count),
        }
    )
    return tables
