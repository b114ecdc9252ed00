"""NCCL: what several cards compute together, each on its stream. The library comes with the wheel `nvidia-nccl-cu12` (`penstock[nccl]`).

What comes in: arrays of several cards of this process; places in a program where cards of several processes exchange. What goes out: arrays there, which the cards may
still be computing. Read first: collectives.py, exchanges.py.

    calls.py          libnccl's functions
    communicators.py  the communicators of groups of cards of one process, and their errors
    collectives.py    what a collective op asks for there
    processes.py      the communicators of groups of processes
    exchanges.py      what a program asks for there

Several GPUs compute collectives together by NCCL (`devices/cuda/nccl/`): an op whose arguments all lie on GPUs of this process answers `on_devices`,
which puts a grouped call into their streams between the programs. A GPU that may wait for others is asked, not waited for, so that a failure
elsewhere ends the wait. GPUs of several processes exchange in their programs: strategies choose that together
(`distribute/workers/implementation.py`) and note it in the transport, ops lower to the same nodes as for MPI, and the generator puts them into the
device's order (`ExchangeCode`), where `nccl/exchanges.py` asks NCCL, in a stream beside. Before a run the hosts agree on its exchanges; with the last
of each unit goes a word that says whose run has failed, and a kernel ends the others' runs by it. `nccl/processes.py` makes communicators that block
no call, and aborts them when a process is lost.
"""
