"""Programs of suites/shapes.py as users of JAX and PyTorch write them, and the inputs that all backends get.

inputs.py          what a call of each case is given, of another shape each time
weights.py         the arrays of each model
jax_programs.py    jax.jit, which compiles for every shape, as it is or padded to few shapes
torch_programs.py  torch.compile(dynamic=True)
"""
