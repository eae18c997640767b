"""The records API of Feishu and Lark bases (Bitable) over HTTP."""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

from . import _velaria as core
from ._arguments import a_kind_of

_log = logging.getLogger("velaria.bitable")

_BASES = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}

# "Not now": frequency limits, conflicts with a write, results that are still being computed, and
# failures inside the service.
_RETRY_CODES = frozenset(
    {
        99991400,
        1254036,
        1254290,
        1254291,
        1254607,
        1254608,
        1255001,
        1255002,
        1255003,
        1255004,
        1255005,
        1255040,
    }
)
_RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
# The token is missing, wrong, or has run out.
_TOKEN_CODES = frozenset({99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677})
_PERMISSION_CODES = frozenset({1254302, 1254304, 1254306, 91403, 99991672, 99991679})
_MISSING_CODES = frozenset({1254003, 1254004, 1254005, 1254040, 1254041, 1254042, 91402})

# A token is renewed so long before its end.
_TOKEN_SLACK_S = 300
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_MAX_RESPONSE_BYTES = 64 << 20
_MAX_PAGE_ROWS = {"tables": 100, "fields": 100, "records": 500}


class BitableError(core.Error, OSError):
    """A call of the Bitable API failed for good.

    ``code`` is the API's error code (None when no answer came), ``log_id`` what the service's
    support asks for.
    """

    def __init__(self, message: str, code: int | None = None, log_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.log_id = log_id


class BitableTable(NamedTuple):
    """A table of a base."""

    table_id: str
    name: str


class BitableField(NamedTuple):
    """A field of a table; ``type`` is the API's number, ``property`` what it says beside that."""

    field_id: str
    name: str
    type: int
    property: Mapping[str, Any]


class BitablePage(NamedTuple):
    """Records as the API gives them.

    ``page_token`` asks for the page behind this one (None: it is the last), ``total`` is the number
    of records, ``server_time_ms`` when the service answered.
    """

    records: list[dict[str, Any]]
    page_token: str | None
    total: int | None
    server_time_ms: int


class _Secret:
    """A text that no repr, log or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "'***'"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the token must not follow one to another host


class BitableClient:
    """A client of the Feishu or Lark records API for a custom app.

    ``app_id``, ``app_secret``: of the app, which needs the right to read the base.
    ``base_url``: "feishu", "lark", or an address; plain http only on this machine.
    ``timeout_s``: how long one request may take.
    ``max_retries``, ``retry_limit_s``: frequency limits, conflicts and failures of the service or
        the network are tried again so often and so long for one call, with growing waits.
    ``user_id_type``: "open_id", "union_id" or "user_id".

    Tokens are fetched when needed and renewed before they end, or when the service says that they
    have. Secrets and tokens stand in no repr, log or error. Any thread may use a client; requests
    go out one at a time. Proxies of the environment are used.

    >>> import velaria
    >>> velaria.BitableClient("cli_a1", "the secret")
    BitableClient('cli_a1', base_url='https://open.feishu.cn')
    """

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        *,
        base_url: str = "feishu",
        timeout_s: float = 30.0,
        max_retries: int = 6,
        retry_limit_s: float = 120.0,
        user_id_type: str = "open_id",
        _sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        for name, text in (("app_id", app_id), ("app_secret", app_secret)):
            if not isinstance(text, str) or not text.strip():
                raise core.InvalidArgumentError(f"{name} must be a text that is not empty")
        if user_id_type not in ("open_id", "union_id", "user_id"):
            raise core.InvalidArgumentError(
                f"user_id_type={user_id_type!r} must be 'open_id', 'union_id' or 'user_id'"
            )
        for name, number in (
            ("timeout_s", timeout_s),
            ("max_retries", max_retries),
            ("retry_limit_s", retry_limit_s),
        ):
            kinds = (int,) if name == "max_retries" else (int, float)
            if isinstance(number, bool) or not isinstance(number, kinds) or not 0 <= number < 1e6:
                whole = "whole " if name == "max_retries" else ""
                raise core.InvalidArgumentError(
                    f"{name}={number!r} is {a_kind_of(number)}; give a {whole}number from 0 on, "
                    f"below 1000000"
                )
        self._app_id = app_id
        self._secret = _Secret(app_secret)
        self._base_url = _checked_address(_BASES.get(base_url, base_url))
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._retry_limit_s = retry_limit_s
        self._user_id_type = user_id_type
        self._sleep = _sleep
        self._opener = urllib.request.build_opener(_NoRedirects())
        self._lock = threading.RLock()
        self._token: _Secret | None = None
        self._token_until = 0.0

    # ---- the API

    def tables(self, app_token: str) -> list[BitableTable]:
        """All tables of a base."""
        path = f"/open-apis/bitable/v1/apps/{_quoted('app_token', app_token)}/tables"
        return [
            BitableTable(str(item["table_id"]), str(item.get("name", "")))
            for item in self._items("GET", path, "tables")
        ]

    def fields(
        self, app_token: str, table_id: str, *, view_id: str | None = None
    ) -> list[BitableField]:
        """All fields of a table, or of a view of it, in order."""
        query = {} if view_id is None else {"view_id": view_id}
        path = f"{self._table_path(app_token, table_id)}/fields"
        return [
            BitableField(
                str(item["field_id"]),
                str(item["field_name"]),
                int(item["type"]),
                item.get("property") or {},
            )
            for item in self._items("GET", path, "fields", query)
        ]

    def search_records(
        self,
        app_token: str,
        table_id: str,
        *,
        view_id: str | None = None,
        field_names: Sequence[str] | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        automatic_fields: bool = False,
        page_size: int = 500,
        page_token: str | None = None,
    ) -> Iterator[BitablePage]:
        """The pages of a search, from ``page_token`` on to the end; each is asked for when it is
        wanted.

        ``filter`` and ``sort`` are the API's own objects. ``automatic_fields`` adds who made and
        changed a record, and when.
        """
        body: dict[str, Any] = {"automatic_fields": automatic_fields}
        if view_id is not None:
            body["view_id"] = view_id
        if field_names is not None:
            body["field_names"] = list(field_names)
        if filter is not None:
            body["filter"] = dict(filter)
        if sort is not None:
            body["sort"] = [dict(key) for key in sort]
        path = f"{self._table_path(app_token, table_id)}/records/search"
        query = {"user_id_type": self._user_id_type}
        for data, server_time_ms in self._pages(
            "POST", path, "records", query, body, page_size, page_token
        ):
            total = data.get("total")
            yield BitablePage(
                data.get("items") or [],
                data.get("page_token") if data.get("has_more") else None,
                int(total) if total is not None else None,
                server_time_ms,
            )

    def close(self) -> None:
        """Forgets the token; the client may be used again and then fetches another one."""
        with self._lock:
            self._token = None

    def __enter__(self) -> BitableClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BitableClient({self._app_id!r}, base_url={self._base_url!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BitableClient holds a secret and cannot be pickled or copied")

    # ---- pages

    def _table_path(self, app_token: str, table_id: str) -> str:
        base, table = _quoted("app_token", app_token), _quoted("table_id", table_id)
        return f"/open-apis/bitable/v1/apps/{base}/tables/{table}"

    def _items(
        self, method: str, path: str, what: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        for data, _ in self._pages(method, path, what, query or {}, None, _MAX_PAGE_ROWS[what]):
            yield from data.get("items") or []

    def _pages(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        page_size: int,
        page_token: str | None = None,
    ) -> Iterator[tuple[dict[str, Any], int]]:
        if not 1 <= page_size <= _MAX_PAGE_ROWS[what]:
            raise core.InvalidArgumentError(
                f"page_size={page_size} must be 1 to {_MAX_PAGE_ROWS[what]}"
            )
        seen = set()
        while True:
            asked = {**query, "page_size": str(page_size)}
            if page_token:
                asked["page_token"] = page_token
                seen.add(page_token)
            data, server_time_ms = self._call(method, path, what, asked, body)
            yield data, server_time_ms
            if not data.get("has_more"):
                return
            page_token = data.get("page_token")
            if not page_token or page_token in seen:
                raise BitableError(
                    f"the Bitable API says that there are more {what}, but gives no new page_token"
                )

    # ---- one call, with its retries

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Any], int]:
        address = f"{path}?{urllib.parse.urlencode(query)}"
        with self._lock:
            answer, server_time_ms = self._with_retries(
                what, lambda: self._request(method, address, body, self._valid_token()), True
            )
        data = answer.get("data")
        if not isinstance(data, dict):
            raise BitableError(f"the Bitable API answered without data when asked for {what}")
        return data, server_time_ms

    def _valid_token(self) -> str:
        if self._token is None or time.monotonic() >= self._token_until:
            body = {"app_id": self._app_id, "app_secret": self._secret.reveal()}
            answer, _ = self._with_retries(
                "a token",
                lambda: self._request(
                    "POST", "/open-apis/auth/v3/tenant_access_token/internal", body, None
                ),
                False,
            )
            token = answer.get("tenant_access_token")
            if not isinstance(token, str) or not token:
                raise BitableError("the Bitable API answered without a token")
            lifetime_s = float(answer.get("expire") or 0)
            self._token = _Secret(token)
            self._token_until = time.monotonic() + max(lifetime_s - _TOKEN_SLACK_S, lifetime_s / 2)
        return self._token.reveal()

    def _with_retries(
        self, what: str, request: Callable[[], _Answer], renews_token: bool
    ) -> tuple[dict[str, Any], int]:
        begin = time.monotonic()
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            answer = request()
            code = answer.code
            _log.debug("%s: attempt %d, status %s, code %s", what, attempt, answer.status, code)
            if code == 0 and answer.status == 200:
                return answer.body, answer.server_time_ms
            if renews_token and not renewed and (code in _TOKEN_CODES or answer.status == 401):
                renewed = True
                self._token = None
                continue
            error = self._error(what, answer)
            again = answer.failure or code in _RETRY_CODES or answer.status in _RETRY_STATUSES
            if not again:
                raise error
            wait_s = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
            wait_s = max(wait_s * random.uniform(0.5, 1.0), answer.retry_after_s)
            spent_s = time.monotonic() - begin
            if attempt > self._max_retries or spent_s + wait_s > self._retry_limit_s:
                error.args = (f"{error.args[0]}; given up after {attempt} attempts",)
                raise error
            _log.info("%s: trying again in %.1f s (code %s)", what, wait_s, code)
            self._sleep(wait_s)

    def _request(
        self, method: str, address: str, body: Mapping[str, Any] | None, token: str | None
    ) -> _Answer:
        headers = {"Accept": "application/json", "User-Agent": "velaria"}
        payload = None
        if method == "POST":
            payload = json.dumps(body or {}, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json; charset=utf-8"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            self._base_url + address, data=payload, headers=headers, method=method
        )
        try:
            try:
                response = self._opener.open(request, timeout=self._timeout_s)
            except urllib.error.HTTPError as refusal:
                response = refusal  # the API says what is wrong in the body of such an answer
            with response:
                return _answer(response, int(response.status or 0), self._timeout_s)
        except BitableError:
            raise
        except (OSError, http.client.HTTPException) as failure:
            reason = getattr(failure, "reason", failure)
            return _Answer(None, {}, time.time_ns() // 1_000_000, 0.0, "", str(reason) or "?")

    def _error(self, what: str, answer: _Answer) -> BitableError:
        if answer.failure:
            return BitableError(
                f"the Bitable API at {self._base_url} did not answer when asked for {what}: "
                f"{self._without_secrets(answer.failure)}"
            )
        code = answer.code
        said = self._without_secrets(str(answer.body.get("msg") or "no message"))
        advice = ""
        if code in _PERMISSION_CODES or (answer.status == 403 and code not in _RETRY_CODES):
            advice = (
                "; give the app the right to read the base (a scope such as bitable:app:readonly, "
                "and the base shared with the app)"
            )
        elif code in _MISSING_CODES:
            advice = "; check app_token, table_id and view_id"
        elif what == "a token":
            advice = "; check app_id and app_secret"
        elif code in _RETRY_CODES or answer.status in _RETRY_STATUSES:
            advice = "; try again later, or raise max_retries and retry_limit_s"
        shown_code = "no code" if code is None else f"code {code}"
        return BitableError(
            f"the Bitable API refused {what}: {said} ({shown_code}, HTTP {answer.status}"
            f"{', log_id ' + answer.log_id if answer.log_id else ''}){advice}",
            code,
            answer.log_id or None,
        )

    def _without_secrets(self, text: str) -> str:
        for secret in (self._secret, self._token):
            if secret is not None:
                text = text.replace(secret.reveal(), "***")
        return text[:500]


class _Answer(NamedTuple):
    status: int | None
    body: dict[str, Any]
    server_time_ms: int
    retry_after_s: float
    log_id: str
    failure: str  # "": an answer came

    @property
    def code(self) -> int | None:
        code = self.body.get("code")
        return code if isinstance(code, int) else None


def _answer(response: Any, status: int, limit_s: float) -> _Answer:
    headers = response.headers
    server_time_ms = time.time_ns() // 1_000_000
    date = email.utils.parsedate_tz(headers.get("Date") or "")
    if date is not None:
        server_time_ms = email.utils.mktime_tz(date) * 1000
    retry_after_s = 0.0
    for name in ("x-ogw-ratelimit-reset", "Retry-After"):
        text = headers.get(name) or ""
        if text.strip().isdecimal():
            retry_after_s = max(retry_after_s, float(text))
    text = _read_all(response, limit_s)
    try:
        body = json.loads(text)
    except ValueError:
        body = {"msg": "the answer is no JSON: " + text[:200].decode(errors="replace")}
    if not isinstance(body, dict):
        body = {"msg": "the answer is no JSON object"}
    error = body.get("error")
    log_id = headers.get("X-Tt-Logid") or (error.get("log_id") if isinstance(error, dict) else "")
    return _Answer(status, body, server_time_ms, retry_after_s, str(log_id or ""), "")


def _read_all(response: Any, limit_s: float) -> bytes:
    """The body, within its bounds of size and time: a socket's timeout is for each piece only."""
    until = time.monotonic() + limit_s
    pieces = []
    size = 0
    while piece := response.read1(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_RESPONSE_BYTES:
            raise BitableError(
                f"an answer of the Bitable API is larger than {_MAX_RESPONSE_BYTES} bytes; ask "
                "for fewer records with page_size"
            )
        if time.monotonic() > until:
            raise TimeoutError(f"the answer took longer than timeout_s={limit_s:g}")
    return b"".join(pieces)


def _checked_address(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise core.InvalidArgumentError(
            f"base_url={address!r} must be 'feishu', 'lark', or an address that begins with https://"
        )
    if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
        raise core.InvalidArgumentError(
            f"base_url={address!r} would send the app's secret unprotected; use https://"
        )
    return address.rstrip("/")


def _quoted(name: str, text: str) -> str:
    if not isinstance(text, str) or not text:
        raise core.InvalidArgumentError(f"{name} must be a text that is not empty")
    return urllib.parse.quote(text, safe="")
