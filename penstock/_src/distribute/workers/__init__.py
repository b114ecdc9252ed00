"""Replicas in the processes of a cluster: `MultiWorkerMirroredStrategy`.

Every process runs the same program on its part of the data, with one replica; what replicas do together is an exchange by the cluster's transport
(`ops/collective/cluster.py`). Read `strategy.py` first, then `extended.py` (variables and reductions), `datasets.py` (each process's part). `pipeline/` divides models instead of data.
"""
