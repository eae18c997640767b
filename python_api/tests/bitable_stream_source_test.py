"""Bitable against a local server: tokens, pages, retries, values of every type, offsets."""

import copy
import datetime
import logging
import pickle
import socket
import threading
import time

import pytest
import velaria
from bitable_server import APP_ID, APP_SECRET, APP_TOKEN, Fault, rows_of, scan

UTC = datetime.timezone.utc
SEARCH = "/records/search"


def numbered(server, count, **table):
    records = [{"n": n, "name": f"row {n}"} for n in range(count)]
    return server.add_table("numbers", [("name", 1), ("n", 2)], records, **table)


# ---- pages


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_tables_and_fields_to_the_last_page(server, count):
    for n in range(count):
        server.add_table(f"t{n}", [(f"f{i}", 1) for i in range(count if n == 0 else 1)], [])
    client = server.client()
    assert [table.name for table in client.tables(APP_TOKEN)] == [f"t{n}" for n in range(count)]
    if count:
        fields = client.fields(APP_TOKEN, "tbl1")
        assert [field.name for field in fields] == [f"f{i}" for i in range(count)]


@pytest.mark.parametrize(("count", "page_size"), [(0, 7), (1, 7), (7, 7), (8, 7), (1201, 500)])
def test_records_to_the_last_page(session, server, count, page_size):
    table_id = numbered(server, count)
    stream = scan(session, server, table_id, page_size=page_size)
    assert stream.bounded
    rows = rows_of(session, stream)
    assert [row["n"] for row in rows] == list(range(count))
    assert [row["record_id"] for row in rows] == [f"rec{n:04}" for n in range(count)]
    assert len(server.paths(SEARCH)) == max(1, -(-count // page_size))


def test_each_page_is_a_batch(session, server):
    stream = scan(session, server, numbered(server, 10), page_size=4)
    sink = velaria.MemorySink()
    with stream.write_stream(sink) as query:
        assert query.await_termination() == 3
    assert [table.num_rows for table in sink.batches()] == [4, 4, 2]


def test_pages_are_asked_for_as_the_query_goes(session, server):
    stream = scan(session, server, numbered(server, 1000), page_size=10)
    assert server.paths(SEARCH) == []
    rows = rows_of(session, stream.limit(15), max_inflight_batches=2)
    assert [row["n"] for row in rows] == list(range(15))
    assert len(server.paths(SEARCH)) < 20


def test_arguments_reach_the_service(session, server):
    table_id = numbered(server, 6)
    client = server.client(user_id_type="union_id")
    stream = scan(
        session,
        server,
        table_id,
        client,
        view_id="vew1",
        field_names=["n"],
        filter={
            "conjunction": "and",
            "conditions": [{"field_name": "n", "operator": "is", "value": [3]}],
        },
        sort=[{"field_name": "n", "desc": True}],
        automatic_fields=True,
    )
    rows = rows_of(session, stream)
    assert [row["n"] for row in rows] == [3]
    assert "name" not in rows[0]
    assert rows[0]["last_modified_by"] == "Ada"
    assert rows[0]["created_time"] == datetime.datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    _, _, query, body = server.requests[-1]
    assert query == {"user_id_type": "union_id", "page_size": "500"}
    assert (body["view_id"], body["field_names"]) == ("vew1", ["n"])


def test_an_endless_token_is_noticed(server):
    table_id = numbered(server, 1)
    body = b'{"code":0,"data":{"items":[],"has_more":true,"page_token":"page-0"}}'
    server.faults += [Fault(SEARCH, 0, body=body) for _ in range(3)]
    with pytest.raises(velaria.BitableError, match="no new page_token"):
        list(server.client().search_records(APP_TOKEN, table_id))


# ---- tokens


def test_one_token_for_all_requests(session, server):
    rows_of(session, scan(session, server, numbered(server, 100), page_size=10))
    assert len(server.tokens) == 1


def test_a_token_that_ends_within_a_scan(session, server):
    table_id = numbered(server, 50)

    def expire(page_token):
        if page_token == "page-20":
            server.tokens = dict.fromkeys(server.tokens, 0)
            server.on_page = None

    server.on_page = expire
    rows = rows_of(session, scan(session, server, table_id, page_size=10))
    assert [row["n"] for row in rows] == list(range(50))
    assert len(server.tokens) == 2


def test_a_token_is_renewed_before_its_end(server):
    server.token_lifetime_s = 1  # half of it is kept as slack
    client = server.client()
    table_id = numbered(server, 1)
    client.fields(APP_TOKEN, table_id)
    time.sleep(0.6)
    client.fields(APP_TOKEN, table_id)
    assert len(server.tokens) == 2
    assert len(server.paths("/fields")) == 2  # nothing was refused in between


def test_a_token_that_is_never_valid(server):
    server.token_lifetime_s = -1
    table_id = numbered(server, 1)
    with pytest.raises(velaria.BitableError, match="99991663") as caught:
        server.client().fields(APP_TOKEN, table_id)
    assert caught.value.code == 99991663
    assert "t-" not in str(caught.value)
    assert len(server.tokens) == 2  # renewed once, not for ever


def test_a_wrong_secret(server):
    client = velaria.BitableClient(APP_ID, "wrong-secret", base_url=server.address)
    with pytest.raises(velaria.BitableError, match="check app_id and app_secret") as caught:
        client.tables(APP_TOKEN)
    assert caught.value.code == 10014
    assert "wrong-secret" not in str(caught.value)


# ---- retries


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (99991400, 429),
        (99991400, 400),
        (1254290, 200),
        (1254291, 200),
        (1254607, 400),
        (1255040, 504),
        (1255001, 200),
        (0, 503),
    ],
)
def test_limit_codes_are_tried_again(session, server, code, status):
    table_id = numbered(server, 30)
    server.faults += [Fault(SEARCH, code, status, skip=1) for _ in range(3)]
    client = server.client()
    rows = rows_of(session, scan(session, server, table_id, client, page_size=10))
    assert [row["n"] for row in rows] == list(range(30))
    assert len(server.sleeps) == 3
    assert all(0.25 * 2**n <= s <= 0.5 * 2**n for n, s in enumerate(server.sleeps))


@pytest.mark.parametrize("header", ["x-ogw-ratelimit-reset", "Retry-After"])
def test_the_wait_that_the_service_names(server, header):
    table_id = numbered(server, 1)
    server.faults.append(Fault("/fields", 99991400, 429, {header: "17"}))
    client = server.client()
    client.fields(APP_TOKEN, table_id)
    assert server.sleeps == [17]


def test_retries_end(server):
    table_id = numbered(server, 1)
    server.faults += [Fault("/fields", 1254290) for _ in range(100)]
    with pytest.raises(velaria.BitableError, match="given up after 4 attempts") as caught:
        server.client(max_retries=3).fields(APP_TOKEN, table_id)
    assert caught.value.code == 1254290
    with pytest.raises(velaria.BitableError, match="given up after 1 attempts"):
        server.client(retry_limit_s=0).fields(APP_TOKEN, table_id)


def test_a_server_that_does_not_answer():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = velaria.BitableClient(
            APP_ID, APP_SECRET, base_url=address, timeout_s=0.1, max_retries=1
        )
        begin = time.monotonic()
        with pytest.raises(velaria.BitableError, match="did not answer") as caught:
            client.tables(APP_TOKEN)
        assert time.monotonic() - begin < 20
        assert caught.value.code is None
        assert isinstance(caught.value, OSError)


def test_an_answer_that_drips():
    """A socket's timeout starts anew with each byte; ours does not."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        stop = threading.Event()

        def drip():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        client = velaria.BitableClient(
            APP_ID,
            APP_SECRET,
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            timeout_s=0.3,
            max_retries=0,
        )
        with pytest.raises(velaria.BitableError, match=r"timeout_s=0\.3"):
            client.tables(APP_TOKEN)
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"[]", b'"x"', b"{}", b"", b'{"code":0,"data":[]}']
)
def test_answers_that_are_none(server, body):
    table_id = numbered(server, 1)
    server.faults += [Fault("/fields", 0, body=body) for _ in range(2)]
    with pytest.raises(velaria.BitableError):
        server.client().fields(APP_TOKEN, table_id)


# ---- refusals


def test_permission_errors_say_what_to_do(session, server):
    table_id = numbered(server, 1)
    server.denied.add(table_id)
    with pytest.raises(velaria.BitableError, match="right to read") as caught:
        scan(session, server, table_id)
    assert (caught.value.code, caught.value.log_id) == (1254302, "log-1")
    assert "log-1" in str(caught.value)
    assert isinstance(caught.value, velaria.Error)


def test_a_permission_lost_within_a_scan(session, server):
    table_id = numbered(server, 30)
    stream = scan(session, server, table_id, page_size=10)

    def deny(page_token):
        if page_token == "page-10":
            server.denied.add(table_id)

    server.on_page = deny
    sink = velaria.MemorySink()
    query = stream.write_stream(sink).start()
    with pytest.raises(velaria.StreamError, match="1254302"):
        query.await_termination(30_000)
    got = [row["n"] for row in sink.to_rows()]
    assert got == list(range(len(got)))
    assert len(got) <= 20


@pytest.mark.parametrize(
    ("app_token", "table_id", "code"), [("other", "tbl1", 1254040), (APP_TOKEN, "tbl9", 1254041)]
)
def test_what_is_not_there(session, server, app_token, table_id, code):
    numbered(server, 1)
    with pytest.raises(velaria.BitableError, match="check app_token, table_id") as caught:
        velaria.create_stream_from_bitable(session, server.client(), app_token, table_id)
    assert caught.value.code == code
    assert server.sleeps == []  # such an answer is not asked for again


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"page_size": 0}, "page_size"),
        ({"page_size": 501}, "page_size"),
        ({"field_names": ["nope"]}, "'nope' is no field"),
        ({"explode": "nope"}, "explode"),
        ({"poll_interval_ms": -1}, "poll_interval_ms"),
        ({"max_polls": 0}, "max_polls"),
        ({"since": 0}, "since is for incremental"),
        ({"max_polls": 2}, "max_polls is for incremental"),
        ({"poll_interval_ms": 5}, "poll_interval_ms is for incremental"),
        ({"settle_ms": 0}, "settle_ms is for incremental"),
        ({"modified_field": "n"}, "modified_field is for incremental"),
        ({"incremental": True, "sort": []}, "sort"),
        ({"incremental": True, "modified_field": "nope"}, "modified_field"),
        ({"incremental": True, "since": datetime.datetime(2024, 1, 1)}, "zone"),
        ({"incremental": True, "since": "2024-01-01"}, "'2024-01-01' is a str; give a datetime"),
        ({"incremental": True, "since": True}, "since=True is a bool"),
        ({"incremental": True, "since": 1.5}, "or milliseconds"),
        ({"time_zone": "Asia/Shanghai"}, r"zoneinfo\.ZoneInfo\('Asia/Shanghai'\)"),
        ({"time_zone": 8}, "time_zone=8 is an int"),
        ({"page_size": "9"}, "page_size='9'"),
    ],
)
def test_bad_arguments(session, server, options, text):
    table_id = numbered(server, 1)
    with pytest.raises(velaria.InvalidArgumentError, match=text):
        scan(session, server, table_id, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (("", "x"), {}, "app_id"),
        (("x", " "), {}, "app_secret"),
        (("x", None), {}, "app_secret"),
        (("x", "y"), {"base_url": "ftp://a"}, "base_url"),
        (("x", "y"), {"base_url": "http://example.com"}, "unprotected"),
        (("x", "y"), {"timeout_s": -1}, "timeout_s"),
        (("x", "y"), {"timeout_s": "30"}, "timeout_s='30' is a str; give a number"),
        (("x", "y"), {"retry_limit_s": None}, "retry_limit_s=None"),
        (("x", "y"), {"max_retries": 1.5}, "give a whole number"),
        (("x", "y"), {"max_retries": True}, "max_retries"),
        (("x", "y"), {"user_id_type": "name"}, "user_id_type"),
    ],
)
def test_bad_clients(arguments, options, text):
    with pytest.raises(velaria.InvalidArgumentError, match=text):
        velaria.BitableClient(*arguments, **options)


def test_the_known_addresses():
    assert "https://open.larksuite.com" in repr(velaria.BitableClient("a", "b", base_url="lark"))
    assert "https://open.feishu.cn" in repr(velaria.BitableClient("a", "b"))


# ---- secrets


def test_secrets_are_shown_nowhere(session, server, caplog):
    caplog.set_level(logging.DEBUG)
    table_id = numbered(server, 3)
    server.faults.append(Fault(SEARCH, 1254290))
    client = server.client()
    rows_of(session, scan(session, server, table_id, client))
    with pytest.raises(velaria.BitableError) as caught:
        client.fields(APP_TOKEN, "tbl9")
    shown = "\n".join(
        [
            caplog.text,
            repr(client),
            str(vars(client)),
            repr(caught.value),
            "".join(map(str, caught.traceback)),
        ]
    )
    assert caplog.records
    assert APP_SECRET not in shown
    assert "t-0" not in shown
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="secret"):
            copied(client)


def test_a_redirect_is_not_followed(server):
    table_id = numbered(server, 1)
    server.faults.append(
        Fault("/fields", 0, 302, {"Location": "http://127.0.0.1:1/elsewhere"}, b"")
    )
    with pytest.raises(velaria.BitableError, match="HTTP 302"):
        server.client().fields(APP_TOKEN, table_id)


# ---- offsets


def restoring(tmp_path, **more):
    return {
        "checkpoint_path": str(tmp_path / "checkpoint"),
        "checkpoint_delivery_mode": "best-effort",
        **more,
    }


def test_a_scan_goes_on_at_its_page_token(session, server, tmp_path):
    table_id = numbered(server, 50)
    first = rows_of(
        session,
        scan(session, server, table_id, page_size=10),
        **restoring(tmp_path, max_batches=2),
    )
    assert [row["n"] for row in first] == list(range(20))
    del server.requests[:]
    rest = rows_of(session, scan(session, server, table_id, page_size=10), **restoring(tmp_path))
    assert [row["n"] for row in rest] == list(range(20, 50))
    asked = [query.get("page_token") for _, path, query, _ in server.requests if SEARCH in path]
    assert asked == ["page-20", "page-30", "page-40"]
    # The whole scan is done: nothing more comes, and nothing is asked for.
    del server.requests[:]
    again = rows_of(session, scan(session, server, table_id, page_size=10), **restoring(tmp_path))
    assert again == []
    assert server.paths(SEARCH) == []


def test_a_page_token_that_ended_is_named(session, server, tmp_path):
    table_id = numbered(server, 50)
    stream = scan(session, server, table_id, page_size=10)
    rows_of(session, stream, **restoring(tmp_path, max_batches=2))
    server.faults.append(Fault(SEARCH, 1254001))
    with pytest.raises(velaria.StreamError, match="page token is not accepted"):
        rows_of(session, scan(session, server, table_id, page_size=10), **restoring(tmp_path))


def test_changes_come_once_in_their_order(session, server):
    records = [{"n": n, "_modified": 1_700_000_000_000 + (7 * n) % 10} for n in range(10)]
    table_id = server.add_table("c", [("n", 2)], records)
    polls = []

    def touch(page_token):
        if page_token is None:
            polls.append(1)
            if len(polls) == 2:
                record = server.tables[table_id]["records"][4]
                record["last_modified_time"] = 1_700_000_000_100
                record["fields"]["n"] = 44

    server.on_page = touch
    stream = scan(
        session,
        server,
        table_id,
        incremental=True,
        poll_interval_ms=0,
        max_polls=3,
        page_size=3,
    )
    rows = rows_of(session, stream, idle_wait_ms=1)
    order = sorted(range(10), key=lambda n: (7 * n) % 10)
    assert [row["n"] for row in rows] == [*order, 44]
    assert rows[-1]["last_modified_time"] == datetime.datetime(
        2023, 11, 14, 22, 13, 20, 100_000, tzinfo=UTC
    )


def test_a_change_behind_the_scan_is_not_missed(session, server):
    """A record of a page that was read already changes, then a later one of a page to come: the
    scan sees only the second, and must not think that it has seen all up to it."""
    base = 1_700_000_000_000
    server.now_ms = base + 60_000
    records = [{"n": n, "_modified": base + n} for n in range(6)]
    table_id = server.add_table("c", [("n", 2)], records)

    def change(page_token):
        if page_token == "page-3" and server.now_ms == base + 60_000:
            for place, n, ms in ((0, 100, 61_000), (5, 105, 62_000)):
                record = server.tables[table_id]["records"][place]
                record["last_modified_time"] = base + ms
                record["fields"]["n"] = n
            server.now_ms = base + 120_000

    server.on_page = change
    stream = scan(
        session, server, table_id, incremental=True, poll_interval_ms=0, max_polls=2, page_size=3
    )
    rows = rows_of(session, stream, idle_wait_ms=1)
    assert [row["n"] for row in rows] == [0, 1, 2, 3, 4, 100, 105]


def test_equal_times_are_told_apart(session, server, tmp_path):
    records = [{"n": n, "_modified": 1_700_000_000_000} for n in range(9)]
    table_id = server.add_table("c", [("n", 2)], records)
    options = {"incremental": True, "poll_interval_ms": 0, "max_polls": 1, "page_size": 4}
    first = rows_of(
        session, scan(session, server, table_id, **options), **restoring(tmp_path, max_batches=1)
    )
    rest = rows_of(session, scan(session, server, table_id, **options), **restoring(tmp_path))
    assert [row["n"] for row in first + rest] == list(range(9))


def test_changes_go_on_behind_the_checkpoint(session, server, tmp_path):
    table_id = numbered(server, 5)
    options = {"incremental": True, "poll_interval_ms": 0, "max_polls": 1}
    assert (
        len(rows_of(session, scan(session, server, table_id, **options), **restoring(tmp_path)))
        == 5
    )
    assert rows_of(session, scan(session, server, table_id, **options), **restoring(tmp_path)) == []
    server.tables[table_id]["records"][2]["last_modified_time"] += 1000
    rows = rows_of(session, scan(session, server, table_id, **options), **restoring(tmp_path))
    assert [row["n"] for row in rows] == [2]


def test_since(session, server):
    table_id = numbered(server, 5)
    since = datetime.datetime(2023, 11, 14, 22, 13, 20, 3000, tzinfo=UTC)
    options = {"incremental": True, "poll_interval_ms": 0, "max_polls": 1}
    for start in (since, 1_700_000_000_003):
        rows = rows_of(session, scan(session, server, table_id, since=start, **options))
        assert [row["n"] for row in rows] == [3, 4]


def test_a_modified_field_lets_the_service_leave_out_what_is_old(session, server, tmp_path):
    day = 86_400_000
    base = 1_700_000_000_000
    records = [{"n": n, "M": base + n * day, "_modified": 1} for n in range(10)]
    table_id = server.add_table("c", [("n", 2), ("M", 1002)], records)
    options = {
        "incremental": True,
        "poll_interval_ms": 0,
        "max_polls": 1,
        "modified_field": "M",
    }
    stream = scan(session, server, table_id, **options)
    rows = rows_of(session, stream, **restoring(tmp_path, max_batches=1))
    assert [row["n"] for row in rows] == list(range(10))
    server.tables[table_id]["records"][0]["fields"]["M"] = base + 20 * day
    rows = rows_of(session, scan(session, server, table_id, **options), **restoring(tmp_path))
    assert [row["n"] for row in rows] == [0]
    (condition,) = server.requests[-1][3]["filter"]["conditions"]
    assert condition["operator"] == "isGreater"
    assert condition["value"] == ["ExactDate", str(base + 7 * day)]


def test_offsets_of_another_way_of_reading_are_refused(session, server, tmp_path):
    table_id = numbered(server, 20)
    stream = scan(session, server, table_id, page_size=10)
    rows_of(session, stream, **restoring(tmp_path, max_batches=1))
    other = scan(session, server, table_id, incremental=True, max_polls=1)
    # The plans differ already: the checkpoint is foreign, or its offset is.
    with pytest.raises((velaria.CheckpointError, velaria.StreamError)):
        rows_of(session, other, **restoring(tmp_path))


def test_polling_stops_at_once(session, server):
    table_id = numbered(server, 2)
    stream = scan(session, server, table_id, incremental=True, poll_interval_ms=3_600_000)
    assert not stream.bounded
    sink = session.create_realtime_stream_sink()
    query = stream.write_stream(sink, idle_wait_ms=10).start()
    assert len(sink.poll_rows(30)) == 2
    begin = time.monotonic()
    query.stop()
    assert time.monotonic() - begin < 20
    assert len(server.paths(SEARCH)) == 1


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
