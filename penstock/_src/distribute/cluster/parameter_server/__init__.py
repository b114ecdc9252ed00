"""Training with variables on parameter servers: `ParameterServerStrategy` and `ClusterCoordinator`.

The coordinator's process traces functions and sends them to workers as graphs (`distribute/cluster/tasks`); an op on a variable runs in the task that
holds it. Read `strategy.py` first, then `coordinator.py`: `closures.py` has what is to be run and what became of it, `workers.py` a thread
for each worker, which sends it closures, `per_worker.py` datasets and other things that each worker has its own of, `sharded.py` variables
that are divided among servers.
"""
