"""Native sequential algorithms over arrays of the host, for ops that run on the host.

In: NumPy arrays. Out: arrays of the caller that the function fills. Each file has the builtin of one algorithm; `ops/` defines its meaning,
and computes it in Python on systems without native code. Read `quantizing.py` first. Kernels that are
written in Python (docs/kernels.md) stand with their ops instead.
"""
