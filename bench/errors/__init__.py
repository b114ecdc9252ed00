"""Errors of every function beside other libraries', against 40 digits: `python -m bench.errors`."""
