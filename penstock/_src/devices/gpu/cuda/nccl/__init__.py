"""NCCL: collectives of several GPUs, on their streams. The library is in the wheel `nvidia-nccl-cu12` (`penstock-tensors[nccl]`).

In: arrays on several GPUs of this process, or exchanges of a program with GPUs of other processes. Out: arrays on GPUs, which may still be computing
them. Read collectives.py first, then exchanges.py.

    calls.py          libnccl's functions
    communicators.py  the communicators of groups of GPUs of one process, and their errors
    collectives.py    collective ops of one process
    processes.py      the communicators of groups of processes
    exchanges.py      exchanges of a program with other processes

One process: if all arguments of a collective op are on its GPUs, the op's `on_devices` puts a grouped call into their streams, between the programs.
The host polls a GPU that may be waiting for others instead of waiting for it, so that a failure elsewhere ends the wait.

Several processes: GPUs exchange within their programs. Strategies agree on this (`distribute/workers/implementation.py`) and record it in the
transport, ops lower to the same nodes as for MPI, and the generator puts exchanges into the device's order of launches (`ExchangeCode`), where
`nccl/exchanges.py` calls NCCL on a second stream. Before a run the hosts agree on its exchanges. The last exchange of each unit includes a word with
the rank whose run has failed, and a kernel ends the other runs if there is one. `nccl/processes.py` makes communicators with nonblocking calls, and
aborts them when a process is lost.
"""
