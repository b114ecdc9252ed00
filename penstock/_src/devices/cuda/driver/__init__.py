"""The driver of NVIDIA's cards, by ctypes: nothing of CUDA's toolkit is needed.

    calls.py    libcuda's functions
    maps.py     tensor maps of launches
    card.py     a card in use: context, stream, memory, kernels
    control.py  who decides what runs next, by the driver's version
    memory.py   memory of a card
    feeding.py  copies from the host ahead of their use

Read first: card.py. What stands for libcuda where there is no card is emulator/library.py.
"""
