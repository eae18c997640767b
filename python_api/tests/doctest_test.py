"""Every example in the package's docstrings runs."""

import doctest
import importlib
import pkgutil

import pytest
import velaria

MODULES = ["velaria"] + [
    found.name
    for found in pkgutil.walk_packages(velaria.__path__, "velaria.")
    if found.name not in ("velaria._velaria", "velaria.__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    counts = [
        sum(len(test.examples) for test in finder.find(importlib.import_module(name)))
        for name in MODULES
    ]
    assert sum(counts) > 40


def test_every_public_name_has_a_docstring():
    for name in velaria.__all__:
        if name == "__version__":
            continue
        thing = getattr(velaria, name)
        assert thing.__doc__, name
        for member, value in vars(thing).items():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert value.__doc__, f"{name}.{member}"
