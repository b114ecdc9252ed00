"""The weights of a language model. In: `formats.weights`, names and an architecture; out: the operands of its network.

`operands.py` has matrices, which stay packed as their file holds them, and norms. `finding.py` finds tensors by the names of a layout and checks their
shapes, `loading.py` makes the layers of them. `grouped.py` repacks what AWQ and GPTQ have quantized.
"""
