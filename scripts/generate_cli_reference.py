#!/usr/bin/env python3
"""Writes the reference of the command line from the commands themselves.

    scripts/generate_cli_reference.py [FILE]

Without FILE it goes to standard output. A test compares it with docs/reference/cli.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from velaria._cli._app import app

HEAD = """\
# Commands

<!-- Written by scripts/generate_cli_reference.py; change the commands, not this page. -->

What the commands are for is told in [Command line](../cli.md).
"""


def commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and those below it."""
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], (*path, name))


def help_text(command: click.Command, path: tuple[str, ...]) -> str:
    """What --help prints, 96 columns wide wherever it runs."""
    context: click.Context | None = None
    for depth in range(len(path)):
        last = command if depth == len(path) - 1 else click.Group(path[depth])
        context = click.Context(
            last,
            info_name=path[depth],
            parent=context,
            terminal_width=96,
            max_content_width=96,
            help_option_names=["-h", "--help"],
        )
    assert context is not None
    return command.get_help(context)


def reference() -> str:
    parts = [HEAD]
    for path, command in commands(app, ("velaria",)):
        text = help_text(command, path)
        parts.append(f"\n## {' '.join(path)}\n\n```text\n{text.rstrip()}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
    else:
        sys.stdout.write(reference())
