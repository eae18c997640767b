"""The command ``velaria``; its packages come with ``pip install 'velaria[cli]'``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .._version import __version__

NEEDS = ("click", "rich", "prompt_toolkit")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code; prints, raises nothing."""
    try:
        from ._app import run
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in NEEDS:
            raise
        if list(sys.argv[1:] if arguments is None else arguments) == ["--version"]:
            print(f"velaria {__version__}")
            return 0
        print(
            f"velaria: the command line needs {error.name}, which is not installed; "
            "run: pip install 'velaria[cli]'",
            file=sys.stderr,
        )
        return 3
    except KeyboardInterrupt:
        return 130
    return run(arguments)
