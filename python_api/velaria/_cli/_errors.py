"""How the command line ends: exit codes, phases, and errors for people and for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import click

from .._velaria import Error, FileAccessError, InternalError

# What the kernel advises for files that --table reads: how it is done in Python.
_NO_TEXT = re.compile(
    r"(?<=, not text); (?:read it with Arrow, .*|unpack it, or read a spreadsheet .*)\Z"
)

OK = 0
FAILED = 1
USAGE = 2
ENVIRONMENT = 3
DIFFERENT = 4
DEFECT = 70
INTERRUPTED = 130
CLOSED_PIPE = 141
TERMINATED = 143

EXIT_CODES = """\b
Exit codes:
  0    done
  1    the query, the data or a stream failed; the error says where
  2    the command line is wrong
  3    a file cannot be read or written, or a package is missing
  4    `run diff` found differences
  70   a defect in Velaria: please report it
  130  stopped by Ctrl-C
  141  whoever read the output closed it
  143  stopped by SIGTERM
"""


class Terminated(SystemExit):
    """SIGTERM: everything is ended in order."""


class Phase:
    """What the command is doing; a failure tells it."""

    ARGUMENTS = "arguments"
    OPEN = "open"
    PLAN = "plan"
    RUN = "run"
    OUTPUT = "output"
    WORKSPACE = "workspace"


class State:
    """What all commands of one call share."""

    def __init__(self, wants_json: bool) -> None:
        self.wants_json = wants_json
        self.phase = Phase.ARGUMENTS


def asks_for_json(arguments: list[str]) -> bool:
    """Whether the call wants JSON, known even when its arguments are wrong."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            return False
        if argument in ("--json", "--format=json", "--format=jsonl", "-fjson", "-fjsonl"):
            return True
        if argument in ("-f", "--format") and arguments[place + 1 : place + 2] in (
            ["json"],
            ["jsonl"],
        ):
            return True
    return False


def exit_code(error: BaseException) -> int:
    """The code for what went wrong."""
    if isinstance(error, click.UsageError):
        return USAGE
    if isinstance(error, click.ClickException):
        return ENVIRONMENT
    if isinstance(error, InternalError):
        return DEFECT
    if isinstance(error, (FileAccessError, ImportError)):
        return ENVIRONMENT
    if isinstance(error, Error):
        return FAILED
    if isinstance(error, (OSError, MemoryError)):
        return ENVIRONMENT
    return DEFECT


def report(error: BaseException, state: State) -> None:
    """Says what went wrong: one JSON object on standard output where JSON was asked for, else
    words on standard error."""
    message = message_of(error)
    if state.wants_json:
        answer = {
            "ok": False,
            "error": message,
            "error_type": "UsageError" if isinstance(error, click.UsageError) else _type(error),
            "phase": state.phase,
        }
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    # A group of commands without one: its help, which Click raises since 8.2.
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        sys.stderr.write(message + "\n")
        return
    words = f"velaria: {message}\n"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        words += f"Try '{error.ctx.command_path} --help'.\n"
    sys.stderr.write(words)


def _type(error: BaseException) -> str:
    return type(error).__name__


def message_of(error: BaseException) -> str:
    """The sentence of an error."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and not isinstance(error, Error) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    text = str(error) or type(error).__name__
    if _NO_TEXT.search(text):
        text = _NO_TEXT.sub("", text) + "; give it as a table: velaria sql -t NAME=PATH"
    if text.startswith("there is no stream in the query"):
        text += "; on the command line --source NAME=PATH gives one"
    return text


def result(answer: dict[str, Any]) -> str:
    """A JSON answer of a command that went well."""
    return json.dumps({"ok": True, **answer}, ensure_ascii=False, default=str)


def drop_standard_output() -> None:
    """Nobody reads it any more: what is left in its buffer must not be written at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
