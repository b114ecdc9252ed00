"""tf.data.experimental.service: pipelines run by workers, in this process or others.

A DispatchServer knows datasets, workers and jobs; `distribute` makes datasets whose elements its workers produce. Read `dispatcher.py` and `worker.py` first, then
`clients/` (what programs call), `jobs.py` (a worker's part), `splits.py` (dynamic sharding), `state.py` and `journal.py` (what outlives a dispatcher), `calls.py` (gRPC, or a plain
call within a process), `elements.py` (elements as messages), `snapshots/`
(what workers write together).
"""
