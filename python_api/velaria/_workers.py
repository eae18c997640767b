"""How worker processes of streaming queries are started.

A worker is an interpreter that loads the compiled part of this package and nothing else, so it is
there in a few milliseconds.
"""

import os
import sys

from . import _velaria

_INSIDE_OF_A_WORKER = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("_velaria", sys.argv[1])
compiled = module_from_spec(spec)
spec.loader.exec_module(compiled)
sys.exit(compiled.serve_as_worker())
"""


def announce() -> None:
    """Tells the kernel. A program that embeds Python may have no interpreter to start: then
    streaming queries stay in its process and say why."""
    if sys.executable:
        library = os.path.abspath(_velaria.__file__)
        _velaria.set_worker_command(
            [sys.executable, "-I", "-S", "-c", _INSIDE_OF_A_WORKER, library]
        )
