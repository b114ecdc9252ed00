"""The driver of NVIDIA's cards, by ctypes: nothing of CUDA's toolkit is needed.

    calls.py    libcuda's functions
    card.py     a card in use: context, stream, memory, kernels

Read first: card.py. What stands for libcuda where there is no card is emulator/library.py.
"""
