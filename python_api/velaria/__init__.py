"""Velaria: a local-first dataflow engine."""

from ._velaria import version
from ._version import __version__

__all__ = ["__version__", "version"]
