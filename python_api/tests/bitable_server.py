"""A server on this machine that speaks as much of the Bitable API as the tests need.

    with BitableServer() as server:
        table = server.add_table("tasks", fields, records)
        client = server.client()

Faults are put in by the test: ``server.faults.append(Fault(...))`` answers the next request whose
path ends so instead of doing it. ``server.requests`` has what came in.
"""

import email.utils
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import velaria

APP_ID, APP_SECRET, APP_TOKEN = "cli_test", "s3cr3t-of-the-app", "bascn_test"


class Fault(NamedTuple):
    """An answer in place of the real one."""

    path: str  # the end of it
    code: int
    status: int = 200
    headers: dict = {}  # noqa: RUF012
    body: bytes | None = None
    skip: int = 0  # so many requests of the path are answered truly before


class BitableServer:
    def __init__(self):
        self.tables = {}
        self.requests = []
        self.faults = []
        self.tokens = {}  # token: valid until (time.monotonic)
        self.token_lifetime_s = 7200
        self.max_page_size = 500
        self.denied = set()  # table ids without permission
        self.now_ms = None  # what the Date header says; None: the clock
        self.on_page = None  # called before a page of records is answered
        self._lock = threading.Lock()
        self._skipped = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                owner.answer(self, "GET")

            def do_POST(self):
                owner.answer(self, "POST")

            def date_time_string(self, timestamp=None):
                if owner.now_ms is None:
                    return super().date_time_string(timestamp)
                return email.utils.formatdate(owner.now_ms / 1000, usegmt=True)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def client(self, **options):
        options.setdefault("_sleep", lambda seconds: self.sleeps.append(seconds))
        self.sleeps = []
        return velaria.BitableClient(APP_ID, APP_SECRET, base_url=self.address, **options)

    def add_table(self, name, fields, records):
        """``fields``: (name, type) or (name, type, property); ``records``: dicts of cells, with
        ``_id`` and ``_modified`` for what the API keeps beside them."""
        table_id = f"tbl{len(self.tables) + 1}"
        self.tables[table_id] = {
            "name": name,
            "fields": [
                {
                    "field_id": f"fld{n}",
                    "field_name": field[0],
                    "type": field[1],
                    "property": field[2] if len(field) > 2 else None,
                    "is_primary": n == 0,
                }
                for n, field in enumerate(fields)
            ],
            "records": [self.record(n, cells) for n, cells in enumerate(records)],
        }
        return table_id

    @staticmethod
    def record(number, cells):
        cells = dict(cells)
        modified = cells.pop("_modified", 1_700_000_000_000 + number)
        person = {"id": "ou_1", "name": "Ada", "en_name": "Ada", "email": ""}
        return {
            "record_id": cells.pop("_id", f"rec{number:04}"),
            "fields": cells,
            "created_time": 1_600_000_000_000,
            "created_by": person,
            "last_modified_time": modified,
            "last_modified_by": person,
        }

    def paths(self, ending):
        return [path for _, path, _, _ in self.requests if path.endswith(ending)]

    # ---- answering

    def answer(self, handler, method):
        length = int(handler.headers.get("Content-Length") or 0)
        text = handler.rfile.read(length)
        body = json.loads(text) if text else None
        split = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(split.query))
        with self._lock:
            self.requests.append((method, split.path, query, body))
            fault = self._fault(split.path)
        if fault is not None:
            status, headers, answer = fault.status, fault.headers, {"code": fault.code, "msg": "no"}
            payload = fault.body if fault.body is not None else json.dumps(answer).encode()
        else:
            token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = self._route(method, split.path, query, body, token)
            headers, payload = {}, json.dumps(answer, ensure_ascii=False).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json; charset=utf-8")
        handler.send_header("Content-Length", str(len(payload)))
        handler.send_header("X-Tt-Logid", "log-1")
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(payload)

    def _fault(self, path):
        for fault in self.faults:
            if path.endswith(fault.path):
                if self._skipped.get(id(fault), 0) < fault.skip:
                    self._skipped[id(fault)] = self._skipped.get(id(fault), 0) + 1
                    continue
                self.faults.remove(fault)
                return fault
        return None

    def _route(self, method, path, query, body, token):
        if path == "/open-apis/auth/v3/tenant_access_token/internal":
            if method != "POST" or (body.get("app_id"), body.get("app_secret")) != (
                APP_ID,
                APP_SECRET,
            ):
                return 200, {"code": 10014, "msg": f"app secret {body.get('app_secret')} invalid"}
            token = f"t-{len(self.tokens)}"
            self.tokens[token] = time.monotonic() + self.token_lifetime_s
            return 200, {
                "code": 0,
                "msg": "ok",
                "tenant_access_token": token,
                "expire": self.token_lifetime_s,
            }
        if self.tokens.get(token, 0) < time.monotonic():
            return 400, {"code": 99991663, "msg": f"Invalid access token {token}"}
        prefix = "/open-apis/bitable/v1/apps/"
        parts = path.removeprefix(prefix).split("/")
        if not path.startswith(prefix) or parts[0] != APP_TOKEN:
            return 200, {"code": 1254040, "msg": "BaseTokenNotFound"}
        if parts[1:] == ["tables"] and method == "GET":
            items = [{"table_id": key, "name": t["name"]} for key, t in self.tables.items()]
            return 200, self._page(items, query, 100)
        table = self.tables.get(parts[2])
        if table is None:
            return 200, {"code": 1254041, "msg": "TableIdNotFound"}
        if parts[2] in self.denied:
            return 403, {"code": 1254302, "msg": "Permission denied."}
        if parts[3:] == ["fields"] and method == "GET":
            return 200, self._page(table["fields"], query, 100)
        if parts[3:] == ["records", "search"] and method == "POST":
            if self.on_page is not None:
                self.on_page(query.get("page_token"))
            return 200, self._records(table, query, body)
        return 404, {"code": 1254000, "msg": f"no such path {path}"}

    def _records(self, table, query, body):
        names = {field["field_name"] for field in table["fields"]}
        unknown = set(body.get("field_names") or []) - names
        if unknown:
            return {"code": 1254045, "msg": f"FieldNameNotFound {unknown}"}
        records = list(table["records"])
        for condition in (body.get("filter") or {}).get("conditions", []):
            name, value = condition["field_name"], condition["value"]
            if condition["operator"] == "is":
                records = [r for r in records if r["fields"].get(name) == value[0]]
            elif condition["operator"] == "isGreater" and value[0] == "ExactDate":
                day = int(value[1]) // 86_400_000
                records = [r for r in records if r["fields"].get(name, 0) // 86_400_000 > day]
            else:
                return {"code": 1254018, "msg": "InvalidFilter"}
        for key in reversed(body.get("sort") or []):
            records.sort(
                key=lambda r: r["fields"].get(key["field_name"]), reverse=key.get("desc", False)
            )
        answer = self._page(records, query, self.max_page_size)
        wanted = body.get("field_names") or names
        items = []
        for record in answer.get("data", {}).get("items", []):
            item = {"record_id": record["record_id"]}
            item["fields"] = {
                name: cell for name, cell in record["fields"].items() if name in wanted
            }
            if body.get("automatic_fields"):
                item.update({k: v for k, v in record.items() if k not in item})
            items.append(item)
        if "data" in answer:
            answer["data"]["items"] = items
        return answer

    @staticmethod
    def _page(items, query, most):
        size = int(query.get("page_size", 20))
        if not 1 <= size <= most:
            return {"code": 1254011, "msg": "invalid page_size"}
        start = 0
        if "page_token" in query:
            if not query["page_token"].startswith("page-"):
                return {"code": 1254001, "msg": "WrongRequestBody: page_token"}
            start = int(query["page_token"].removeprefix("page-"))
        end = start + size
        data = {"items": items[start:end], "has_more": end < len(items), "total": len(items)}
        if data["has_more"]:
            data["page_token"] = f"page-{end}"
        return {"code": 0, "msg": "success", "data": data}


def rows_of(session, stream, **options):
    sink = velaria.MemorySink()
    query = stream.write_stream(sink, **options).start()
    query.await_termination(60_000)
    return sink.to_rows()


def scan(session, server, table_id, client=None, **options):
    return velaria.create_stream_from_bitable(
        session, client or server.client(), APP_TOKEN, table_id, **options
    )
