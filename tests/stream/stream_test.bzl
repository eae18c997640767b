"""Tests of streams."""

load("//bazel:velaria_cc.bzl", "velaria_cc_test")

def stream_test(name, deps = [], srcs = None, tags = ["streams"], **kwargs):
    """The test NAME.cc: with the sources and sinks of stream_testing.h, and a main() that can start workers.

    Those tagged `streams` must hold in worker processes too.
    """
    velaria_cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        gtest_main = False,
        tags = tags,
        deps = [
            ":stream_test_main",
            ":stream_testing",
        ] + deps,
        **kwargs
    )
