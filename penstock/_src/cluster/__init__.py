"""The processes that work together: who they are, and what carries values between them.

In: the environment of a process that a launcher started (`penstock launch`, mpiexec, srun). Out: a `Cluster` (rank, size,
hosts) and a `Transport`, whose methods every process calls in the same order. Read `transport.py` first. A way to
describe a cluster is a row of `environments/table.py`; a way to carry values is a file of `transports/` and a row of
its table. Bytes are carried by libraries (MPI), never by code of this folder.
"""
