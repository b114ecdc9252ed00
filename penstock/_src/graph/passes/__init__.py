"""Passes over graphs of raw ops: a graph function in, another out, or a list of operations in, another out.

`freeze.py` inlines calls and turns variables into constants, `unused_results.py` leaves out effects that are not needed, and
`collectives.py` joins operations of several devices. `own_sizes.py`, `host_lists.py` and `host_conditions.py` find operations that the host runs
better than programs, and `string_numbers.py` lets programs compare strings. `rebuilding.py` builds a function again with some of its operations replaced.
"""
