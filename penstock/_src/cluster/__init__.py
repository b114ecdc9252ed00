"""The processes that work together: their description, and the transports of values between them.

In: the environment of a process that a launcher started (`penstock launch`, mpiexec, srun). Out: a `Cluster` (rank, size,
hosts) and a `Transport`, whose methods every process calls in the same order. Read `transport.py` first. A way to
describe a cluster is a row of `environments/table.py`; a way to carry values is a file of `transports/` and a row of
its table. Bytes are carried by libraries (MPI), never by code of this folder.

Clusters. Several processes that a launcher has started (`penstock launch`, mpiexec, srun) are a `Cluster`; a `Transport` exchanges arrays between
them (`cluster/`, below the ops). Ops of `ops/collective/` call it, strategies (`distribute/workers/`) call those ops, so an exchange is an operation
of the step's graph. Before each exchange the processes say what they are about to do: a mismatch is an error in all of them. A `Group` with a channel
of its own is for what may happen at another time than the training step's exchanges, as the agreement on the end of data. Sums, gathers,
reduce-scatters and all-to-all exchanges, over all processes or a part of them, are in the compiled step where that is possible
(`ops/collective/lowering.py`): a start and a wait are nodes, `fusion/exchange_order.py` places them among the kernels, and their launches call MPI's
functions by addresses in the session of the run (`native/process/exchanges.py`, `runtime/exchanging.py`). The exchanges are those that the host makes
of the same op, so processes may differ in what they compile. Bytes are carried by MPI (`cluster/transports/mpi.py`), or by gRPC between processes
that were started one by one (`grpc.py`), whose exchanges are never in a compiled step. `bridge/cli/cluster/` starts processes by mpiexec: the worker
forks, and the parent reports to the launcher how the program ended, because mpiexec ends all processes and does not know which failed first.

Processes send each other heartbeats in a ring (`cluster/heartbeat.py`), by the transport's own messages and from a thread of its own. One that is
silent is a `loss` of the transport: all waiting in transports looks at it, and native waits are interrupted by their session's error word.
`cluster/progress.py` counts steps, exchanges and the time spent waiting, from which rank 0 reports stragglers (`cluster/stragglers.py`). Ray's
workers (`distribute/workers/ray_train.py`) are a cluster by TF_CONFIG, too.
"""
