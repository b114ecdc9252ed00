"""NVIDIA's cards: kernels as PTX, through the driver alone (libcuda, which every machine with a card has).

What comes in: a `Plan`. What goes out: a program that walks its launch table on a stream. Read first: target.py, then kernels/.

    families/    what differs from one maker's GPUs to another's
    kernels/     kernels as LLVM IR
    regions.py   the launch table as loops and choices; recording.py: these as one graph; table.py: a run
    nccl/        what several cards compute together
    ptx.py       that IR as PTX; how ptxas sees it
    emulator/    runs the same IR on this CPU: what tests use, as no test needs a card
"""
