"""The differences between GPUs of different makers in kernels: a file for each family.

In: a target. Out: its `Family`, with which kernels/language.py writes the indices of threads, barriers, shuffles and the start of
kernels. Read family.py first. Instructions of NVIDIA's GPUs only (cp.async, mma, tensor maps) are in kernels/ itself.

    nvidia.py   PTX, by LLVM's NVPTX
    amd.py      GCN, by LLVM's AMDGPU: kernels are written, assembled by LLVM and emulated; nothing loads them yet
"""
