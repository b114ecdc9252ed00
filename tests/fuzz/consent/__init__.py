"""Every op in an imported graph without permissions, with paths in all strings: it touches nothing.

    python -m tests.fuzz.consent                 all ops
    python -m tests.fuzz.consent --planted       each op with permissions as if its class did not state them: all are to be found
    python -m tests.fuzz.consent --only ReadFile -v

An op's class states what it does besides computing (`Op.permissions`). Nothing but this would notice a class that forgets to.

watching.py     says what code touches: audit events, calls of `os`, file systems
bait.py         files, folders, modules and functions to be touched, and the strings that lead to them
kinds.py        resources, variants and functions for arguments
drawing.py      calls of an op, with such strings in its string arguments
witnesses.py    calls of ops that ask for more than their signatures say
running.py      runs a call in an imported graph, and iterates over what it gives
trial.py        runs ops; __main__.py reports
"""
