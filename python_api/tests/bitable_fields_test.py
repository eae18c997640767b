"""Bitable: the values of every type of field."""

import datetime

import pytest
import velaria
from bitable_server import rows_of, scan

UTC = datetime.timezone.utc


EVERY_TYPE = [
    ("Text", 1, [{"text": "Hello ", "type": "text"}, {"text": "@Ada", "type": "mention"}]),
    ("Barcode", 1, [{"text": "007", "type": "text"}]),
    ("Number", 2, 2323.2323),
    ("Option", 3, "todo"),
    ("Options", 4, ["a, b", "c"]),
    ("Date", 5, 1690992000000),
    ("Done", 7, True),
    (
        "Owner",
        11,
        [
            {"id": "ou_1", "name": "Ada", "en_name": "A"},
            {"id": "ou_2", "name": "", "en_name": "Bo"},
        ],
    ),
    ("Phone", 13, "0131"),
    ("Site", 15, {"text": "Docs", "link": "https://example.com"}),
    ("Files", 17, [{"file_token": "f1", "name": "a.png", "size": 9, "type": "image/png"}]),
    ("Parent", 18, {"link_record_ids": ["recA"]}),
    ("Both", 21, {"link_record_ids": ["recA", "recB"]}),
    ("Place", 22, {"full_address": "Main St 1", "location": "116.3,39.9", "name": "Home"}),
    ("Group", 23, [{"id": "oc_1", "name": "Team"}]),
    ("Created", 1001, 1691049973000),
    ("Changed", 1002, 1702455191001),
    ("Maker", 1003, [{"id": "ou_1", "name": "Ada"}]),
    ("Changer", 1004, [{"id": "ou_1", "name": "Ada"}]),
    ("No", 1005, "17"),
    ("Future", 9999, {"x": [1]}),
]


def test_every_type_of_field(session, server):
    fields = [(name, kind) for name, kind, _ in EVERY_TYPE]
    table_id = server.add_table(
        "all", fields, [{name: cell for name, _, cell in EVERY_TYPE}, {"Text": None}]
    )
    stream = scan(session, server, table_id)
    types = dict(stream.schema)
    full, empty = rows_of(session, stream)
    assert full == {
        "record_id": "rec0000",
        "Text": "Hello @Ada",
        "Barcode": "007",
        "Number": 2323.2323,
        "Option": "todo",
        "Options": '["a, b","c"]',
        "Date": datetime.datetime(2023, 8, 2, 16, 0, tzinfo=UTC),
        "Done": True,
        "Owner": "Ada, Bo",
        "Owner.id": "ou_1, ou_2",
        "Phone": "0131",
        "Site": "Docs",
        "Site.link": "https://example.com",
        "Files": '[{"file_token":"f1","name":"a.png","size":9,"type":"image/png"}]',
        "Parent": '["recA"]',
        "Both": '["recA","recB"]',
        "Place": "Main St 1",
        "Place.location": "116.3,39.9",
        "Group": "Team",
        "Group.id": "oc_1",
        "Created": datetime.datetime(2023, 8, 3, 8, 6, 13, tzinfo=UTC),
        "Changed": datetime.datetime(2023, 12, 13, 8, 13, 11, 1000, tzinfo=UTC),
        "Maker": "Ada",
        "Maker.id": "ou_1",
        "Changer": "Ada",
        "Changer.id": "ou_1",
        "No": "17",
        "Future": '{"x":[1]}',
    }
    assert set(empty.values()) == {"rec0001", None}
    assert types["Number"] == "float64"
    assert types["Done"] == "bool"
    assert types["Date"] == types["Created"] == "timestamp[ms, UTC]"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (
            {"type": 1, "value": [{"text": "a", "type": "text"}, {"text": "b", "type": "text"}]},
            "ab",
        ),
        ({"type": 2, "value": [3.0]}, "3"),
        ({"type": 2, "value": [0.1, 2]}, "0.1, 2"),
        ({"type": 5, "value": [1690992000000]}, "2023-08-02 16:00:00+00:00"),
        ({"type": 7, "value": [False]}, "false"),
        ({"type": 11, "value": [{"id": "ou_1", "name": "Ada"}]}, "Ada"),
        ({"type": 3, "value": ["x", "y"]}, "x, y"),
        ({"type": 1, "value": []}, None),
        ("plain", "plain"),
        (12, "12"),
        ([{"text": "x", "type": "text"}], "x"),
        (None, None),
    ],
)
@pytest.mark.parametrize("kind", [19, 20])
def test_formulas_and_lookups_as_text(session, server, kind, cell, text):
    table_id = server.add_table("f", [("F", kind)], [{"F": cell}])
    assert rows_of(session, scan(session, server, table_id))[0]["F"] == text


@pytest.mark.parametrize(
    ("data_type", "cell", "kind", "value"),
    [
        (2, {"type": 2, "value": [3]}, "float64", 3.0),
        (2, 4.5, "float64", 4.5),
        (7, {"type": 7, "value": [True]}, "bool", True),
        (
            5,
            {"type": 5, "value": [1690992000000]},
            "timestamp[ms, UTC]",
            datetime.datetime(2023, 8, 2, 16, 0, tzinfo=UTC),
        ),
        (5, {"type": 5, "value": []}, "timestamp[ms, UTC]", None),
    ],
)
def test_formulas_with_a_declared_type(session, server, data_type, cell, kind, value):
    fields = [("F", 20, {"type": {"data_type": data_type}, "formula_expression": "x"})]
    stream = scan(session, server, server.add_table("f", fields, [{"F": cell}]))
    assert dict(stream.schema)["F"] == kind
    assert rows_of(session, stream)[0]["F"] == value


@pytest.mark.parametrize(
    ("cell", "hour", "zone"),
    [
        (1690992000000, 16, UTC),
        (1690992000000.0, 16, UTC),
        ("1690992000000", 16, UTC),
        ("2023/08/02", 0, UTC),
        ("2023-08-02 16:00", 16, UTC),
        ("2023-08-02T16:00:00Z", 16, UTC),
        ("2023-08-02 16:00:00", 8, datetime.timezone(datetime.timedelta(hours=8))),
        ("2023-08-02T16:00:00+01:00", 15, UTC),
        ({"type": "text", "text": "2023-08-02 16:00"}, 16, UTC),
    ],
)
def test_dates_as_numbers_and_as_texts(session, server, cell, hour, zone):
    table_id = server.add_table("d", [("D", 5)], [{"D": cell}])
    stream = scan(session, server, table_id, time_zone=zone)
    expected = datetime.datetime(2023, 8, 2, hour, tzinfo=UTC)
    assert rows_of(session, stream)[0]["D"] == expected


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [(2, "x", "not a number"), (5, "soon", "not a date"), (7, "yes", "not a truth value")],
)
def test_a_cell_that_is_not_of_its_type(session, server, kind, cell, text):
    table_id = server.add_table("b", [("Bad", kind)], [{"_id": "recBad", "Bad": cell}])
    with pytest.raises(velaria.StreamError, match=text) as caught:
        rows_of(session, scan(session, server, table_id))
    assert "record 'recBad', field 'Bad'" in str(caught.value)


def test_names_that_meet(session, server):
    fields = [("record_id", 1), ("Owner", 11), ("Owner.id", 1)]
    cells = {"record_id": "mine", "Owner": [{"id": "ou_1", "name": "Ada"}], "Owner.id": "text"}
    (row,) = rows_of(session, scan(session, server, server.add_table("n", fields, [cells])))
    assert row == {
        "record_id": "rec0000",
        "record_id_2": "mine",
        "Owner": "Ada",
        "Owner.id": "ou_1",
        "Owner.id_2": "text",
    }


def test_a_row_for_each_person(session, server):
    people = [{"id": "ou_1", "name": "Ada"}, {"id": "ou_2", "name": "Bo"}]
    fields = [("n", 2), ("Owner", 11), ("Tags", 4)]
    records = [
        {"n": 1, "Owner": people, "Tags": ["x", "y"]},
        {"n": 2, "Owner": people[:1]},
        {"n": 3, "Owner": []},
    ]
    table_id = server.add_table("t", fields, records)
    rows = rows_of(session, scan(session, server, table_id, explode="Owner"))
    assert [(row["n"], row["Owner"], row["Owner.id"]) for row in rows] == [
        (1, "Ada", "ou_1"),
        (1, "Bo", "ou_2"),
        (2, "Ada", "ou_1"),
        (3, None, None),
    ]
    rows = rows_of(session, scan(session, server, table_id, explode="Tags"))
    assert [(row["n"], row["Tags"]) for row in rows] == [(1, "x"), (1, "y"), (2, None), (3, None)]


@pytest.mark.parametrize(
    ("kind", "field", "cell", "values"),
    [
        (19, {}, {"type": 4, "value": ["a", "b"]}, ["a", "b"]),
        (20, {}, {"type": 4, "value": ["a", None, "b"]}, ["a", "b"]),
        (19, {"type": {"data_type": 2}}, {"type": 2, "value": [1, 2.5]}, [1.0, 2.5]),
        (
            19,
            {},
            {"type": 5, "value": [0, 86400000]},
            ["1970-01-01 00:00:00+00:00", "1970-01-02 00:00:00+00:00"],
        ),
        (19, {}, {"type": 18, "value": {"link_record_ids": ["r1", "r2"]}}, ["r1", "r2"]),
        (19, {}, ["a", "b"], ["a", "b"]),
        (20, {}, {"type": 1, "value": [{"text": "see "}, {"text": "docs"}]}, ["see docs"]),
        (20, {}, "alone", ["alone"]),
        (19, {}, {"type": 4, "value": []}, [None]),
        (19, {}, {"type": 4, "value": None}, [None]),
        (17, {}, [{"name": "a.png"}, {"name": "b.png"}], ["a.png", "b.png"]),
        (18, {}, {"link_record_ids": ["r1", "r2"]}, ["r1", "r2"]),
        (21, {}, [{"record_ids": ["r1", "r2"]}, {"record_ids": None}], ["r1", "r2"]),
        (18, {}, [{"record_ids": None, "text": None}], [None]),
    ],
)
def test_a_row_for_each_value(session, server, kind, field, cell, values):
    table_id = server.add_table("t", [("F", kind, field)], [{"F": cell}])
    rows = rows_of(session, scan(session, server, table_id, explode="F"))
    assert [row["F"] for row in rows] == values


@pytest.mark.parametrize("kind", [1, 2, 3, 5, 7, 13, 15, 22, 1001, 1005, 9999])
def test_what_has_one_value_is_not_exploded(session, server, kind):
    table_id = server.add_table("t", [("F", kind)], [])
    with pytest.raises(
        velaria.InvalidArgumentError, match=f"'F' is a field of type {kind}, .*give"
    ):
        scan(session, server, table_id, explode="F")
