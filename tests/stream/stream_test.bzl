"""Tests of streams."""

load("//bazel:velaria_cc.bzl", "velaria_cc_test")

def stream_test(name, deps = [], srcs = None, **kwargs):
    """The test NAME.cc: with the sources and sinks of stream_testing.h, and a main() that can start workers."""
    velaria_cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        gtest_main = False,
        tags = ["streams"],
        deps = [
            ":stream_test_main",
            ":stream_testing",
        ] + deps,
        **kwargs
    )
