"""Several replicas in one process: threads that run one at a time and meet in merge calls.

In: a function and arguments per replica. Out: what all replicas returned, as one value per place. Read `strategy.py`
first, then `replicas.py` (the threads), `variables.py` (a copy for each replica), `datasets.py` (batches cut in parts).
"""
