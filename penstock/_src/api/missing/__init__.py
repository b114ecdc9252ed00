"""Public names that are not implemented: functions and classes that only raise.

Read `table.py` first: one row for each; `raising.py` makes them. When a name is implemented, move it from the table to the
folder of its subject.
"""
