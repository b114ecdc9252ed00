"""Several replicas in one process: threads that run one at a time and synchronize in merge calls.

In: a function and its arguments for each replica. Out: the results of all replicas as one structure of distributed
values. Read `strategy.py` first, then `replicas.py` (the threads), `variables.py` (a copy for each replica),
`datasets.py` (batches split over replicas).
"""
