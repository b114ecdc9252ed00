"""Programs that travel: what a plan's program needs, as a record without graph, function or kernels' texts.

In: a `Plan` for any target. Out: a `PlanRecord`, as JSON and constants' bytes in a pack; in another process, from that, a program for calls.

    record.py     PlanRecord: the words of the launch table, and what fills those that depend on the process; its text, checked when it is read
    writing.py    makes records of plans
    program.py    the program of a record: one table and a sizing program, as for other plans (runtime/sized.py)

A record has results only. Whatever else is asked of a program (the error of a run that stopped, a report, a profile) comes from the same section, lowered
and planned when it is asked: see compiler/blocks/planned.py. So records are of programs that assign no variables, which can run again.
"""
