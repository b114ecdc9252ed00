"""Instructions of small programs, counted by Callgrind: the same on a busy machine as on an idle one.

`python -m bench.counts` counts them for the working tree and for another commit, and prints what changed. Both run with one
thread and code for x86-64-v3, which Valgrind knows. Counts see lost caches, added Python and worse code; they do not see
memory's latency, wider vectors or threads (programs with threads are left out: how often these wait is chance), which times do.
"""
