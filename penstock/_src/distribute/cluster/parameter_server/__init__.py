"""Training with variables on parameter servers: `ParameterServerStrategy` and `ClusterCoordinator`.

The coordinator's process traces functions and sends them to workers as graphs (`distribute/cluster/tasks`); an op on a variable runs in the task that
holds it. Read `strategy.py` first, then `coordinator.py`: `closures.py` has the pending calls and their results, `workers.py` a thread
for each worker, which sends it closures, `per_worker.py` datasets and other objects with an instance per worker, `sharded.py` variables
that are divided among servers.
"""
