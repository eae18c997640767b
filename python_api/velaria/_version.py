"""The version of the project: the only place it is written, besides MODULE.bazel."""

__version__ = "0.1.0"
