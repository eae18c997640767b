"""The version of the project; scripts/version.py writes the copies of it."""

__version__ = "0.1.0"
