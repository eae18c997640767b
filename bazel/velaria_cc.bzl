"""The C++ rules of the project: Bazel's own, with our compiler options.

`copts` are added behind ours, for sources of one instruction set. `hot = True` compiles with
-O3 in optimized builds, for loops over arrays.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load("//bazel:copts.bzl", "VELARIA_COPTS", "VELARIA_HOT_COPTS")

def _copts(copts, hot):
    return VELARIA_COPTS + (VELARIA_HOT_COPTS if hot else []) + copts

def velaria_cc_library(name, copts = [], hot = False, **kwargs):
    cc_library(name = name, copts = _copts(copts, hot), **kwargs)

def velaria_cc_binary(name, copts = [], hot = False, **kwargs):
    cc_binary(name = name, copts = _copts(copts, hot), **kwargs)

def velaria_cc_test(name, deps = [], copts = [], hot = False, size = "small", gtest_main = True, **kwargs):
    """A GoogleTest program; `gtest_main = False` for a test with a main() of its own."""
    main = ["@googletest//:gtest_main"] if gtest_main else ["@googletest//:gtest"]
    cc_test(name = name, deps = deps + main, copts = _copts(copts, hot), size = size, **kwargs)

def velaria_cc_benchmark(name, deps = [], copts = [], hot = False, tags = [], **kwargs):
    """A Google Benchmark program, run by hand with `bazel run`."""
    cc_binary(
        name = name,
        testonly = True,
        copts = _copts(copts, hot),
        tags = tags + ["benchmark"],
        deps = deps + ["@google_benchmark//:benchmark_main"],
        **kwargs
    )
