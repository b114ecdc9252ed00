"""NVIDIA's GPUs: the driver, PTX and NCCL.

driver/        calls of libcuda; a GPU in use with its memory and streams
nccl/          collectives of several GPUs
ptx.py         compiles kernels to PTX; resources of kernels by ptxas
diagnosis.py   why no GPU can be used, and the command that mends it
"""
