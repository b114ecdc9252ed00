"""Tasks of a cluster that hold resources and run functions for others: the service of `tf.distribute.Server`.

An op that takes a resource of another task runs there (`handles.py`); a function runs where it is sent, as a graph (`functions.py`), and so do parts of a
session's graph (`sessions.py`, `parts.py`). `task.py` is
a task as others see it, `service.py` what it does itself, `messages.py` the messages, `values.py` how values stand in them.

Each process has a name of its own, and each start of a server a number (its incarnation), so that nobody takes a task that was started again for the
one before. Calls with effects have numbers, and a server keeps what it answered: one that arrives twice is done once.
"""
