"""Recorded programs: what a plan's program needs, as a record without graph, function or kernels' texts, in packs and in the user's cache.

In: a `Plan` for any target. Out: a `PlanRecord`, as JSON and constants' bytes; in another process, from that, a program for calls.

    record.py     PlanRecord: the words of the launch table, and what fills those that depend on the process; its text, checked when it is read
    steps.py      the steps of a section with operations on the host, and the record of the program among them
    writing.py    makes records of plans
    program.py    the program of a record: one table and a sizing program, as for other plans (runtime/sized.py)

A record has results only. Whatever else is asked of a program (the error of a run that stopped, a report, a profile) comes from the same section, lowered
and planned when it is asked: see compiler/blocks/recorded/planned.py. Records in packs are of programs that assign no variables, which can run again. Those in the cache
may assign some: where such a run stops, its error is that of the same number of the lowered program, which does not run.
"""
