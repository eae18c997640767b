"""The regular expressions of Glenn Fowler's testregex, as modified for RE2 and Go, and those of the
Rust crate regex-automata: matches and groups in SQL's functions and in the line reader."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import velaria
from suite_cases import DIFFERS, Outcome, compared, passed, refused

try:
    import tomllib
except ImportError as missing:
    raise SystemExit(
        "velaria: this suite is in TOML, which needs Python 3.11 or newer"
    ) from missing


class Expression(NamedTuple):
    case: str
    pattern: str
    ignore_case: bool
    text: str
    groups: list[str | None] | None  # of the first match; None: no match
    count: int | None  # of matches, where the suite lists all
    wrong: bool = False  # whether the pattern must be refused


def _unescaped(text: str) -> str:
    return re.sub(
        r"\\(n|x[0-9a-fA-F]{2})",
        lambda found: "\n" if found[1] == "n" else chr(int(found[1][1:], 16)),
        text,
    )


def _fowler(folder: Path) -> Iterator[Expression]:
    """Lines of flags, pattern, text and the spans of match and groups, with tabs between."""
    for path in sorted(folder.glob("*.dat")):
        last = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            parts = [part for part in line.split("\t") if part]
            if len(parts) < 4 or line.startswith(("NOTE", "#")):
                continue
            flags, pattern, text, result = parts[:4]
            pattern = last if pattern == "SAME" else pattern
            last = pattern
            if "E" not in flags:  # basic regular expressions of POSIX
                continue
            text = "" if text == "NULL" else text
            if "$" in flags:
                pattern, text = _unescaped(pattern), _unescaped(text)
            groups: list[str | None] | None = None
            if result.startswith("("):
                spans = re.findall(r"\((\d+|\?),(\d+|\?)\)", result)
                groups = [None if a == "?" else text[int(a) : int(b)] for a, b in spans]
            wrong = groups is None and result != "NOMATCH"
            case = f"{path.name}:{number} {pattern!r} in {text!r}"
            yield Expression(case, pattern, "i" in flags, text, groups, None, wrong)


def _tables(folder: Path) -> Iterator[Expression]:
    for path in sorted(folder.glob("*.toml")):
        for test in tomllib.loads(path.read_text(encoding="utf-8"))["tests"]:
            options = test.get("options", [])
            text = test["input"]
            data = text.encode()
            if "escaped" in options:
                data = _unescaped(text).encode("latin-1")
            try:
                text = data.decode()
            except UnicodeDecodeError:
                continue  # no text column can hold it
            matches = test["matches"]
            groups: list[str | None] | None = None
            if matches:
                begin, end = matches[0]
                groups = [data[begin:end].decode("utf-8", "replace")]
            count = len(matches) if path.name == "iter.toml" else None
            if "anchored" in options:
                count = None
            yield Expression(
                f"{path.name} {test['name']}",
                test["pattern"],
                "case-insensitive" in options,
                text,
                groups,
                count,
            )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _in_sql(session: velaria.Session, one: Expression) -> Outcome:
    case = f"SQL: {one.case}"
    pattern = _quoted(one.pattern)
    flags = ", 'i'" if one.ignore_case else ""
    groups = range(len(one.groups) if one.groups is not None else 1)
    items = [f"regexp_matches(x, {pattern}{flags}) AS found"]
    items += [f"regexp_extract(x, {pattern}, {group}{flags}) AS g{group}" for group in groups]
    items.append(f"regexp_count(x, {pattern}{flags}) AS matches")
    session.create_temp_view("t", session.create_dataframe_from_arrow({"x": [one.text]}))
    try:
        row: dict[str, Any] = (
            session.sql(f"SELECT {', '.join(items)} FROM t").to_arrow().to_pylist()[0]
        )
    except velaria.Error as error:
        return passed(case) if one.wrong else refused(case, error)
    if one.wrong:
        return Outcome(case, DIFFERS, f"{row!r}, not an error")
    wanted: dict[str, Any] = {"found": one.groups is not None}
    wanted.update({f"g{group}": one.groups[group] if one.groups else None for group in groups})
    wanted["matches"] = row["matches"] if one.count is None else one.count
    return compared(case, row, wanted)


def _in_lines(session: velaria.Session, one: Expression, path: Path) -> Outcome:
    case = f"lines: {one.case}"
    path.write_text(one.text + "\n", encoding="utf-8")
    names = [f"g{group}" for group in range(len(one.groups) if one.groups is not None else 1)]
    try:
        frame = session.read_line_file(
            str(path),
            mappings=[(name, group) for group, name in enumerate(names)],
            mode="regex",
            regex_pattern=("(?i)" if one.ignore_case else "") + one.pattern,
            types=dict.fromkeys(names, "utf8"),
            on_error="skip",
        )
        rows = frame.to_arrow().to_pylist()
    except velaria.Error as error:
        return refused(case, error)
    if one.groups is None:
        return compared(case, rows, [])
    # An empty group is NULL here, as an empty field of a file is.
    return compared(case, rows, [{name: text or None for name, text in zip(names, one.groups)}])


def cases(folder: Path) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as work, velaria.Session() as session:
        path = Path(work) / "case.txt"
        for one in [*_fowler(folder / "fowler"), *_tables(folder)]:
            yield _in_sql(session, one)
            if one.text and not one.wrong and not set(one.text) & set("\r\n\0"):
                yield _in_lines(session, one, path)
