"""Tables of Bitable as streams."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _velaria as core
from ._arguments import a_kind_of
from ._bitable_client import BitableClient, BitableError, BitableField
from ._bitable_fields import RecordTable, milliseconds
from ._custom_source import CustomArrowStreamSource, create_stream_from_custom_source
from ._source_pump import StreamItem
from ._streaming import StreamingDataFrame

if TYPE_CHECKING:
    from ._session import Session

_DAY_MS = 86_400_000


class _BitableSource(CustomArrowStreamSource):
    """What the two ways of reading share."""

    def __init__(self, table_id: str, client: BitableClient, table: RecordTable) -> None:
        super().__init__(schema=table.schema, name=f"bitable {table_id}")
        self._client = client
        self._table = table

    def _item(self, records: Sequence[Mapping[str, Any]], offset: dict[str, Any]) -> StreamItem:
        rows = self.row_reader().from_rows(self._table.rows(records))
        return StreamItem(rows, json.dumps(offset, sort_keys=True))

    def _parsed(self, offset: str, *keys: str) -> dict[str, Any]:
        try:
            parsed = json.loads(offset)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict) or set(parsed) != set(keys):
            raise core.CheckpointError(
                f"{offset[:100]!r} is no offset of this Bitable source; was the query changed "
                "between one scan and incremental reading? Remove the checkpoint to start anew"
            )
        return parsed


class _ScanSource(_BitableSource):
    """All records once, page by page; the offset is the token of the next page."""

    def __init__(
        self, where: tuple[str, str], client: BitableClient, table: RecordTable, **search: Any
    ) -> None:
        super().__init__(where[1], client, table)
        self._where = where
        self._search = search

    def read(self, offset: str | None) -> Iterator[StreamItem]:
        page_token = None
        if offset is not None:
            page_token = self._parsed(offset, "page_token")["page_token"]
            if page_token is None:
                return
        pages = self._client.search_records(*self._where, page_token=page_token, **self._search)
        first = True
        while True:
            try:
                page = next(pages, None)
            except BitableError as error:
                if first and page_token is not None and error.code is not None:
                    raise core.CheckpointError(
                        f"the checkpoint's page token is not accepted: {error}; remove the "
                        "checkpoint to read the table anew"
                    ) from error
                raise
            if page is None:
                return
            first = False
            yield self._item(page.records, {"page_token": page.page_token})


class _ChangesSource(_BitableSource):
    """Every record, and again each one that was modified; in the order of the modification.

    A record counts as modified up to the moment when a scan began, less ``settle_ms``: what comes
    during the scan, on a page that was read already, is left to the next one. So no record before
    the offset, a pair of time and record, is still to come.
    """

    def __init__(
        self,
        where: tuple[str, str],
        client: BitableClient,
        table: RecordTable,
        *,
        since_ms: int | None,
        modified_field: str | None,
        poll_interval_ms: int,
        max_polls: int | None,
        settle_ms: int,
        **search: Any,
    ) -> None:
        super().__init__(where[1], client, table)
        self.bounded = max_polls is not None
        self._where = where
        self._since_ms = since_ms
        self._modified_field = modified_field
        self._poll_interval_s = poll_interval_ms / 1000
        self._max_polls = max_polls
        self._settle_ms = settle_ms
        self._search = search

    def read(self, offset: str | None) -> Iterator[StreamItem | None]:
        done = (-(2**63), "") if self._since_ms is None else (self._since_ms - 1, "\U0010ffff")
        if offset is not None:
            parsed = self._parsed(offset, "modified_ms", "record_id")
            done = (int(parsed["modified_ms"]), str(parsed["record_id"]))
        polls = 0
        while self._max_polls is None or polls < self._max_polls:
            asked = time.monotonic()
            changed = self._changed_behind(done)
            size = self._search["page_size"]
            for begin in range(0, len(changed), size):
                batch = changed[begin : begin + size]
                done = batch[-1][0]
                yield self._item(
                    [record for _, record in batch],
                    {"modified_ms": done[0], "record_id": done[1]},
                )
            polls += 1
            while (
                self._max_polls is None or polls < self._max_polls
            ) and time.monotonic() < asked + self._poll_interval_s:
                yield None

    def _changed_behind(
        self, done: tuple[int, str]
    ) -> list[tuple[tuple[int, str], dict[str, Any]]]:
        search = dict(self._search)
        if self._modified_field is not None and done[0] > 0:
            search["filter"] = self._narrowed(search["filter"], done[0])
        until_ms: int | None = None
        changed = {}
        for page in self._client.search_records(*self._where, **search):
            if until_ms is None:
                until_ms = page.server_time_ms - self._settle_ms
            for record in page.records:
                key = (self._modified_ms(record), str(record.get("record_id")))
                if done < key and key[0] <= until_ms:
                    # A record that moved between pages comes twice; its last state counts.
                    changed[key[1]] = (key, record)
        return sorted(changed.values(), key=lambda change: change[0])

    def _modified_ms(self, record: Mapping[str, Any]) -> int:
        if self._modified_field is None:
            found = record.get("last_modified_time", record.get("created_time"))
        else:
            found = (record.get("fields") or {}).get(self._modified_field)
        if found is None:
            raise BitableError(
                f"record {record.get('record_id')!r} has no time of its last modification"
            )
        return milliseconds(found, datetime.timezone.utc)

    def _narrowed(self, given: Mapping[str, Any] | None, after_ms: int) -> Mapping[str, Any] | None:
        # The API compares whole days, of a zone that only the base knows.
        condition = {
            "field_name": self._modified_field,
            "operator": "isGreater",
            "value": ["ExactDate", str(after_ms - 2 * _DAY_MS)],
        }
        if given is None:
            return {"conjunction": "and", "conditions": [condition]}
        if given.get("conjunction") == "and" and not given.get("children"):
            return {**given, "conditions": [*given.get("conditions", []), condition]}
        return given  # all of it is read, and told apart here


_POLL_INTERVAL_MS = 60_000
_SETTLE_MS = 2000


def create_stream_from_bitable(
    session: Session,
    client: BitableClient,
    app_token: str,
    table_id: str,
    *,
    view_id: str | None = None,
    field_names: Sequence[str] | None = None,
    filter: Mapping[str, Any] | None = None,
    sort: Sequence[Mapping[str, Any]] | None = None,
    page_size: int = 500,
    automatic_fields: bool = False,
    explode: str | None = None,
    time_zone: datetime.tzinfo = datetime.timezone.utc,
    incremental: bool = False,
    since: datetime.datetime | int | None = None,
    poll_interval_ms: int = _POLL_INTERVAL_MS,
    max_polls: int | None = None,
    settle_ms: int = _SETTLE_MS,
    modified_field: str | None = None,
) -> StreamingDataFrame:
    """The records of a Bitable table as a stream; each page is a batch.

    ``view_id``, ``field_names``, ``filter``, ``sort``: as the API's records/search takes them.
    ``automatic_fields``: also created_time, created_by, last_modified_time and last_modified_by.
    ``explode``: a field of several people, groups, options, attachments or linked records, a lookup
        or a formula: a row for each value. Fields of other types are refused; the runs of one text,
        such as one with a link in it, are one value.
    ``time_zone``: of dates that are texts, such as ``zoneinfo.ZoneInfo("Asia/Shanghai")``.

    The columns are ``record_id`` and the fields in their order: numbers are float64, checkboxes
    bool, dates timestamp[ms, UTC], and the rest is text. People and groups have their names in one
    column and their ids in ``<field>.id``; links and places have ``<field>.link`` and
    ``<field>.location`` beside them; several options, attachments and linked records are JSON
    lists. Formulas and lookups have the type that the field declares, else text. The whole table of
    types is in docs/bitable.md.

    Without ``incremental`` the table is read once, to its last page, and the stream ends; a
    checkpoint holds the token of the next page. With it the stream goes on without an end: every
    ``poll_interval_ms`` (or ``max_polls`` times) it gives the records that were modified since,
    oldest first, beginning with all, or with those modified from ``since`` on (a datetime, or
    milliseconds). A checkpoint holds how far that is. Records count when they were modified
    ``settle_ms`` before a poll began, so that none is missed while the table changes; deleted ones
    are not seen. Each poll reads the table, unless ``modified_field`` names a field "last
    modified time" that watches all fields: then the service leaves out what is older by days.

    Raises BitableError when the API refuses, InvalidArgumentError for arguments that cannot be.
    Inside a query the same are a StreamError with their text.
    """
    if not isinstance(client, BitableClient):
        raise core.InvalidArgumentError(f"a {type(client).__name__} is no BitableClient")
    if isinstance(page_size, bool) or not isinstance(page_size, int) or not 1 <= page_size <= 500:
        raise core.InvalidArgumentError(f"page_size={page_size!r} must be a whole number, 1 to 500")
    _require_zone(time_zone)
    for name, number, least in (
        ("poll_interval_ms", poll_interval_ms, 0),
        ("settle_ms", settle_ms, 0),
        ("max_polls", 1 if max_polls is None else max_polls, 1),
    ):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise core.InvalidArgumentError(
                f"{name}={number!r} must be a whole number from {least}"
            )
    if not incremental:
        for name, given in (
            ("since", since is not None),
            ("max_polls", max_polls is not None),
            ("modified_field", modified_field is not None),
            ("poll_interval_ms", poll_interval_ms != _POLL_INTERVAL_MS),
            ("settle_ms", settle_ms != _SETTLE_MS),
        ):
            if given:
                raise core.InvalidArgumentError(
                    f"{name} is for incremental reading; give incremental=True, or leave it out"
                )
    if incremental and sort is not None:
        raise core.InvalidArgumentError(
            "incremental reading has an order of its own; leave out sort"
        )
    since_ms = None if since is None else _since_ms(since)
    fields = _wanted_fields(client, app_token, table_id, view_id, field_names)
    if modified_field is not None and modified_field not in [field.name for field in fields]:
        raise core.InvalidArgumentError(
            f"modified_field={modified_field!r} is not among the fields"
        )
    table = RecordTable(
        fields,
        automatic_fields=automatic_fields or incremental,
        explode=explode,
        zone=time_zone,
    )
    search: dict[str, Any] = {
        "view_id": view_id,
        "field_names": [field.name for field in fields],
        "filter": filter,
        "page_size": page_size,
        "automatic_fields": automatic_fields or incremental,
    }
    where = (app_token, table_id)
    source: CustomArrowStreamSource
    if incremental:
        source = _ChangesSource(
            where,
            client,
            table,
            since_ms=since_ms,
            modified_field=modified_field,
            poll_interval_ms=poll_interval_ms,
            max_polls=max_polls,
            settle_ms=settle_ms,
            **search,
        )
    else:
        source = _ScanSource(where, client, table, sort=sort, **search)
    return create_stream_from_custom_source(session, source)


def _require_zone(zone: object) -> None:
    if not isinstance(zone, datetime.tzinfo):
        name = zone if isinstance(zone, str) else "UTC"
        raise core.InvalidArgumentError(
            f"time_zone={zone!r} is {a_kind_of(zone)}; give a zone such as "
            f"zoneinfo.ZoneInfo({name!r})"
        )


def _since_ms(since: datetime.datetime | int) -> int:
    if isinstance(since, datetime.datetime):
        if since.tzinfo is None:
            raise core.InvalidArgumentError(
                "since is a datetime without a zone; give one with tzinfo"
            )
        return milliseconds(since.isoformat(), datetime.timezone.utc)
    if isinstance(since, bool) or not isinstance(since, int):
        raise core.InvalidArgumentError(
            f"since={since!r} is {a_kind_of(since)}; give a datetime with a zone, such as "
            "datetime(2024, 1, 1, tzinfo=timezone.utc), or milliseconds since 1970-01-01 UTC"
        )
    return since


def _wanted_fields(
    client: BitableClient,
    app_token: str,
    table_id: str,
    view_id: str | None,
    field_names: Sequence[str] | None,
) -> list[BitableField]:
    fields = client.fields(app_token, table_id, view_id=view_id)
    if field_names is None:
        return fields
    by_name = {field.name: field for field in fields}
    for name in field_names:
        if name not in by_name:
            raise core.InvalidArgumentError(
                f"{name!r} is no field of table {table_id!r}; it has "
                + ", ".join(map(repr, by_name))
            )
    return [by_name[name] for name in field_names]
