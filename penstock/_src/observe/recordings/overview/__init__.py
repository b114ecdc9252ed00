"""Findings about a recorded run, which `penstock replay` prints when it is asked for no line.

In: a recording. Out: lines of text: findings, then a table of names with types and ranges.

events.py     a run once more: every operation with its operands and results
findings.py   values that are suspicious by themselves: the first NaN, units that are always 0, growth, random numbers
variables.py  variables that a run left as they were, or changed much; inputs that are equal in all runs
mixing.py     the first line where one example of a batch depends on another
table.py      names, types and ranges, line by line
report.py     all of it as text

Findings are facts, worded as such: a frozen variable is unchanged, too. What follows a batch normalization is mixed, and not searched.
"""
