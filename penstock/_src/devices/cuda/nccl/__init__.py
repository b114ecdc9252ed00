"""NCCL: what several cards compute together, each on its stream. The library comes with the wheel `nvidia-nccl-cu12` (`penstock[nccl]`).

What comes in: arrays of several cards of this process; places in a program where cards of several processes exchange. What goes out: arrays there, which the cards may
still be computing. Read first: collectives.py, exchanges.py.

    calls.py          libnccl's functions
    communicators.py  the communicators of groups of cards of one process, and their errors
    collectives.py    what a collective op asks for there
    processes.py      the communicators of groups of processes
    exchanges.py      what a program asks for there
"""
