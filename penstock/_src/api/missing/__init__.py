"""What code may name although nothing is behind it: functions and classes that only raise.

In: calls of TensorFlow's names. Out: errors that say what is missing. Read `table.py` first: a row for each; `raising.py` makes them.
What is to be implemented leaves the table for the folder of its subject.
"""
