"""The whole way: records of a base, paged, as a stream, grouped by their owner in stream SQL."""

import pytest
import velaria
from bitable_server import APP_TOKEN, Fault

ADA, BO, CY = (
    {"id": f"ou_{n}", "name": name, "en_name": name, "email": ""}
    for n, name in enumerate(["Ada", "Bo", "Cy"])
)
FIELDS = [("Task", 1), ("Owner", 11), ("Hours", 2), ("Status", 3)]


def tasks(count=1203):
    owners = [[ADA], [BO], [ADA, BO], [], [CY]]
    return [
        {
            "Task": [{"text": f"Task {n}", "type": "text"}],
            "Owner": owners[n % 5],
            "Hours": n % 7,
            "Status": "done" if n % 3 == 0 else "open",
        }
        for n in range(count)
    ]


def expected(records):
    """By hand: {owner: (tasks, hours)}, None for those of nobody."""
    out = {}
    for record in records:
        for owner in record["Owner"] or [{"name": None}]:
            count, hours = out.get(owner["name"], (0, 0))
            out[owner["name"]] = (count + 1, hours + record["Hours"])
    return out


@pytest.fixture
def server(server):
    server.add_table("tasks", FIELDS, tasks())
    return server


def grouped(session, server, where="", **options):
    """The last value of each group, as update mode gives it."""
    stream = velaria.create_stream_from_bitable(
        session, server.client(), APP_TOKEN, "tbl1", explode="Owner", page_size=100
    )
    session.create_temp_view("tasks", stream)
    sink = velaria.MemorySink()
    session.register_stream_sink("by_owner", sink)
    query = session.start_stream_sql(
        'INSERT INTO by_owner SELECT "Owner", count(*) AS tasks, sum("Hours") AS hours '
        f'FROM tasks {where} GROUP BY "Owner"',
        **options,
    )
    batches = query.await_termination(60_000)
    last = {row["Owner"]: (row["tasks"], row["hours"]) for row in sink.to_rows()}
    return batches, last, query.progress()


def test_records_grouped_by_owner(session, server):
    # Limits and an ended token on the way change nothing.
    server.faults += [Fault("/records/search", 1254290, skip=3)] * 1
    server.faults += [Fault("/records/search", 99991663, 400, skip=6)]
    batches, groups, progress = grouped(session, server)
    assert groups == expected(tasks())
    assert batches == 13
    assert progress["rows_in"] == sum(max(1, len(task["Owner"])) for task in tasks())
    assert len(server.tokens) == 2


def test_filters_in_sql(session, server):
    _, groups, _ = grouped(session, server, "WHERE \"Status\" = 'open'")
    assert groups == expected([task for task in tasks() if task["Status"] == "open"])


def test_groups_go_on_behind_a_checkpoint(session, server, tmp_path):
    options = {
        "checkpoint_path": str(tmp_path / "checkpoint"),
        "checkpoint_delivery_mode": "best-effort",
    }
    batches, _, progress = grouped(session, server, max_batches=5, **options)
    assert (batches, progress["last_source_offset"]) == (5, '{"page_token": "page-500"}')
    batches, groups, _ = grouped(session, server, **options)
    assert batches == 8
    assert groups == expected(tasks())


def test_the_same_by_python(session, server):
    records = [
        record
        for page in server.client().search_records(APP_TOKEN, "tbl1", page_size=500)
        for record in page.records
    ]
    by_owner = velaria.group_rows_by_field(records, "Owner")
    counts = velaria.group_rows_count_by_field(records, "Owner")
    assert counts == {owner: count for owner, (count, _) in expected(tasks()).items()}
    assert {key: len(rows) for key, rows in by_owner.items()} == counts
    assert list(counts) == ["Ada", "Bo", None, "Cy"]  # by their first row
    assert by_owner["Cy"][0]["fields"]["Task"] == [{"text": "Task 4", "type": "text"}]
    with pytest.raises(velaria.InvalidArgumentError, match="'Ownr'; the first rows have 'Task'"):
        velaria.group_rows_by_field(records, "Ownr")


def test_the_same_in_batch(session, server):
    stream = velaria.create_stream_from_bitable(
        session, server.client(), APP_TOKEN, "tbl1", explode="Owner"
    )
    sink = velaria.MemorySink()
    with stream.write_stream(sink) as query:
        query.await_termination()
    frame = session.create_dataframe_from_arrow(sink.to_arrow())
    rows = frame.group_by('"Owner"').agg("count(*) AS n").to_rows()
    counts = {row["Owner"]: row["n"] for row in rows}
    assert counts == velaria.group_rows_count_by_field(frame, "Owner")
    assert counts == velaria.group_rows_count_by_field(sink.to_arrow(), "Owner")


def test_grouping_of_plain_rows():
    rows = [{"k": 1}, {"k": None}, {}, {"k": [1, 2]}, {"k": [1, 1]}]
    assert velaria.group_rows_count_by_field(rows, "k") == {1: 3, None: 2, 2: 1}
    assert velaria.group_rows_by_field([], "k") == {}
    with pytest.raises(velaria.InvalidArgumentError, match="'nope'"):
        velaria.group_rows_by_field(rows, "nope")
    with pytest.raises(velaria.InvalidArgumentError, match="int"):
        velaria.group_rows_by_field(7, "k")


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
