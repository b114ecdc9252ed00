"""The driver of NVIDIA's GPUs, by ctypes: the CUDA toolkit is not needed.

    calls.py    libcuda's functions
    maps.py     tensor maps of launches
    gpu.py     a GPU in use: context, stream, memory, kernels
    control.py  loops and branches by conditional nodes or by the host, depending on the driver's version
    memory.py   memory of a GPU
    feeding.py  copies from the host before they are needed

Read gpu.py first. emulator/library.py emulates libcuda.
"""
