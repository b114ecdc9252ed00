"""NVIDIA's cards: kernels as PTX, through the driver alone (libcuda, which every machine with a card has).

What comes in: a `Plan`. What goes out: a program that walks its launch table on a stream. Read first: target.py, then kernels/.

    kernels/     kernels as LLVM IR
    ptx.py       that IR as PTX; how ptxas sees it
    emulator/    runs the same IR on this CPU: what tests use, as no test needs a card
"""
