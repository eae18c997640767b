"""Runs what tries to break Velaria, and reports what was tried and what was lost."""
