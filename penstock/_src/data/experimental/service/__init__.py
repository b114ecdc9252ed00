"""tf.data.experimental.service: pipelines run by workers, in this process or others.

A DispatchServer knows datasets, workers and jobs; `distribute` makes datasets whose elements its workers produce. Read `servers.py` first, then
`consuming.py` (what iterates), `jobs.py` (a worker's part), `splits.py` (dynamic sharding), `calls.py` (gRPC, or a plain call within a process).
"""
