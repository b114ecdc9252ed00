"""The differences between GPUs of different makers in kernels: a file for each family.

What comes in: a target. What goes out: its `Family`, by which kernels/language.py writes the numbers of threads, barriers, shuffles and heads of
kernels. Read first: family.py. What only NVIDIA's cards have (cp.async, mma, tensor maps) is in kernels/ itself.

    nvidia.py   PTX, by LLVM's NVPTX
    amd.py      GCN, by LLVM's AMDGPU: kernels are written, assembled by LLVM and emulated; nothing loads them yet
"""
