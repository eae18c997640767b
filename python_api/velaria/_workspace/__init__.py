"""Runs that are kept: what was asked, how it went, and what came out."""

from ._diff import diff_runs
from ._recorder import RunRecorder
from ._run import Run
from ._workspace import CleanupResult, Workspace

__all__ = ["CleanupResult", "Run", "RunRecorder", "Workspace", "diff_runs"]
