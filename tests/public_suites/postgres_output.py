"""What PostgreSQL's regression tests print: statements of a .sql file with what psql answered.

psql echoes every line of the file and prints results behind the line in which a statement ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Queries, expressions, numbers and text.
FILES = [
    "select",
    "select_distinct",
    "select_having",
    "boolean",
    "case",
    "int2",
    "int4",
    "int8",
    "float8",
    "numeric",
    "strings",
    "text",
    "union",
    "limit",
    "subselect",
    "join",
    "aggregates",
    "groupingsets",
    "window",
    "with",
    "expressions",
]

_RULE = re.compile(r"^-[-+]*-$")
_CARET = re.compile(r"^ *\^$")  # below the place of an error
_ROW_COUNT = re.compile(r"^\((\d+) rows?\)$")
_MESSAGE = re.compile(r"^(ERROR|NOTICE|WARNING|INFO|LOG|DEBUG):  ")
_DOLLARS = re.compile(r"\$\w*\$")


@dataclass
class Answer:
    """Rows of texts, an error, or nothing."""

    columns: list[str] | None = None
    rows: list[list[str]] = field(default_factory=list)
    error: str = ""


@dataclass
class Statement:
    line: int  # in the .sql file, from 1
    text: str
    answer: Answer
    null_text: str = ""  # how psql writes NULL here
    # Whether psql does more with it than send it and print: variables, \gset and the like.
    for_psql: bool = False


class _Splitter:
    """Finds the ends of statements line by line, as psql does."""

    def __init__(self) -> None:
        self.text = ""
        self.begin = 0
        self.quote = ""  # ', ", a dollar quote or a comment that is open
        self.depth = 0  # of parentheses and of comments

    def feed(self, number: int, line: str) -> Iterator[tuple[int, str, bool]]:
        at = 0
        while at < len(line):
            rest = line[at:]
            if self.quote == "/*":
                step = 2 if rest.startswith("*/") else 1
                if step == 2:
                    self.quote = ""
            elif self.quote:
                step = len(self.quote) if rest.startswith(self.quote) else 1
                if rest.startswith(self.quote):
                    self.quote = ""
            elif rest.startswith("--"):
                break
            elif rest.startswith("/*"):
                self.quote, step = "/*", 2
            elif rest[0] in "'\"":
                self.quote, step = rest[0], 1
            elif found := _DOLLARS.match(rest):
                self.quote, step = found[0], len(found[0])
            elif rest[0] == "\\":
                # A command of psql takes the rest of the line, and sends what came before.
                text, begin = self.text, self.begin
                self.text = ""
                self.depth = 0
                yield begin or number, text + rest, True
                return
            elif rest[0] == ";" and self.depth == 0:
                text, begin = self.text, self.begin
                self.text = ""
                yield begin, text, False
                at += 1
                continue
            else:
                self.depth += {"(": 1, ")": -1}.get(rest[0], 0)
                step = 1
            piece = rest[:step]
            if self.text or piece.strip():
                if not self.text:
                    self.begin = number
                self.text += piece
            at += step
        if self.text:
            self.text += "\n"


def _cells(line: str, cuts: list[int]) -> list[str]:
    ends = [*cuts, len(line)]
    begins = [0, *(cut + 1 for cut in cuts)]
    return [line[begin:end] for begin, end in zip(begins, ends)]


class _Output:
    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.at = 0

    def peek(self, ahead: int = 0) -> str | None:
        at = self.at + ahead
        return self.lines[at] if at < len(self.lines) else None

    def echo(self, line: str) -> None:
        if not line and self.peek() != line:
            return  # of blank lines only those within a statement are echoed
        if self.peek() != line:
            raise ValueError(f"line {self.at + 1}: {self.peek()!r} is not the echo {line!r}")
        self.at += 1

    def answer(self, next_line: str | None) -> Answer:
        """What is printed before the echo of the next line."""
        out = Answer()
        while (line := self.peek()) is not None:
            if _MESSAGE.match(line):
                if line.startswith("ERROR:"):
                    out.error = line
                self.at += 1
                while (more := self.peek()) is not None and more != next_line and not self._table():
                    if _MESSAGE.match(more):
                        break
                    self.at += 1
            elif self._table():
                out.columns, out.rows = self._read_table()
            elif line == next_line:
                break
            else:
                self.at += 1
        return out

    def _table(self) -> bool:
        head, rule = self.peek(), self.peek(1)
        if head is None or rule is None:
            return False
        if _ROW_COUNT.match(rule) and head == "--":  # no columns
            return True
        if _CARET.match(head):
            return False
        return len(rule) >= 3 and _RULE.match(rule) is not None and head.startswith(" ")

    def _read_table(self) -> tuple[list[str], list[list[str]]]:
        head, rule = self.peek() or "", self.peek(1) or ""
        if head == "--":
            self.at += 3
            return [], []
        cuts = [i for i, sign in enumerate(rule) if sign == "+"]
        width = len(rule)
        self.at += 2
        rows: list[list[str]] = []
        goes_on = [False] * (len(cuts) + 1)
        # What \d prints ends without a count.
        while (line := self.peek()) and not _ROW_COUNT.match(line):
            cells = _cells(line.ljust(width), cuts)
            texts = []
            # A cell of several lines ends each but its last with a plus sign.
            continues = [cell.endswith("+") and len(cell) >= 2 for cell in cells]
            for cell, more in zip(cells, continues):
                texts.append(cell[:-1].strip() if more else cell.strip())
            if any(goes_on):
                for i, text in enumerate(texts):
                    if goes_on[i]:
                        rows[-1][i] += "\n" + text
            else:
                rows.append(texts)
            goes_on = continues
            self.at += 1
        if self.peek():
            self.at += 1
        if self.peek() == "":
            self.at += 1
        names = [cell.strip() for cell in _cells(head.ljust(width), cuts)]
        return names, rows


def statements(sql: str, expected: str) -> Iterator[Statement]:
    lines = sql.splitlines()
    output = _Output(expected)
    splitter = _Splitter()
    null_text = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        output.echo(line)
        found = list(splitter.feed(number, line))
        if not found:
            continue
        copies = [text for _, text, _ in found if re.match(r"(?is)copy\b.*\bfrom\s+stdin", text)]
        if copies:  # the data is not echoed
            while number < len(lines) and lines[number] != "\\.":
                number += 1
            number += 1
        next_line = next((line for line in lines[number:] if line), None)
        last = len(found) - 1
        for index, (begin, text, command) in enumerate(found):
            # Several in one line answer behind it, one after the other.
            answer = output.answer(next_line) if index == last else Answer()
            if command and (pset := re.match(r"\\pset null '(.*)'", text)):
                null_text = pset[1]
            for_psql = (
                command or index != 0 or last != 0 or bool(re.search(r"(?<![:\w]):['\"a-z]", text))
            )
            if text.strip() and not (command and text.startswith("\\")):
                yield Statement(begin, text.strip(), answer, null_text, for_psql or bool(copies))
