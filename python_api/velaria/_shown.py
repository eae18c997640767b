"""Plain values that also know how to look in a notebook."""

from __future__ import annotations

from typing import Any


class ProbeResult(dict[str, Any]):
    """What ``Session.probe`` found: a dict that a notebook shows as tables."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ._html import facts_html, schema_html, table_html

        tables = ("schema", "columns", "candidates")
        facts = facts_html({k: v for k, v in self.items() if k not in tables})
        schema = schema_html(self.get("schema", ()))
        found = [(c["format"], f"{c['score']:.2f}", c["reason"]) for c in self["candidates"]]
        candidates = table_html([("format", ""), ("score", ""), ("reason", "")], found, False)
        return f"{facts}{schema}{candidates}"


class Progress(dict[str, Any]):
    """A moment of a query, under the kernel's field names: a dict that a notebook shows."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ._html import facts_html, progress_html

        return progress_html(self) if "fraction_done" in self else facts_html(self)


class ProgressEvent(Progress):
    """What ``on_progress`` is called with: the progress of a streaming query now, and its batches
    that were done since the last call, as ``recent_progress()`` gives them."""

    __slots__ = ("batches",)

    def __init__(self, progress: dict[str, Any], batches: list[dict[str, Any]]) -> None:
        super().__init__(progress)
        self.batches: list[dict[str, Any]] = batches


class Plan(str):
    """An explain text: a str that a notebook shows in its sections."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ._html import sections_html

        return sections_html(self, ("logical", "optimized", "physical", "strategy"))
