"""XLA's own operations, as far as code for the CPU calls them.

Their meaning is StableHLO's: indices are moved so that blocks fit. Cases stand in tests/ops/xla/test_<file>.py.
"""
