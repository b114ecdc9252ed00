"""The arithmetic of TFLite's quantized kernels, on tensors. In: quantized inputs; out: quantized results, as its reference kernels give them.

`fixed_point.py` has factors and roundings, `values.py` quantization and dequantization, `arithmetic.py` what works element by element,
`accumulation.py` sums of products, the others curves of int16. Read `fixed_point.py` first.
"""
