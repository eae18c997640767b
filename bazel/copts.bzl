"""Compiler options of our own code. Other projects' code gets none of them.

That warnings are errors stands in .bazelrc, so that no newer compiler breaks a project that embeds us.
"""

_COMMON = [
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    # Aggregates whose last members have defaults are meant that way.
    "-Wno-missing-field-initializers",
    # errno after a math call is never read; without this sqrt and friends do not vectorize.
    "-fno-math-errno",
    # Nobody replaces our symbols at load time, so position-independent code may inline them.
    "-fno-semantic-interposition",
]

_GCC = [
    "-Wshadow=local",
    # These see ghosts in inlined standard containers in gcc 12: shown, but not fatal.
    "-Wno-restrict",
    "-Wno-error=array-bounds",
    "-Wno-error=maybe-uninitialized",
    "-Wno-error=stringop-overflow",
    "-Wno-error=stringop-overread",
]

VELARIA_COPTS = _COMMON + select({
    "//bazel:gcc": _GCC,
    "//conditions:default": ["-Wshadow"],
})

# For the loops over arrays: gcc's -O2 vectorizes only what costs nothing.
VELARIA_HOT_COPTS = select({
    "//bazel:opt": ["-O3"],
    "//conditions:default": [],
})
