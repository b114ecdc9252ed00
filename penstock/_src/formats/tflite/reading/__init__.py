"""Reads TFLite's files. In: the bytes of a `.tflite`; out: functions of raw ops, which compile, train and are written in other formats.

`contents.py` checks a file and gives its graphs, `translation.py` runs a graph on tensors while it is traced, `call.py` is what the
function of an op gets, `ops/` has these functions by family, `model.py` reads a whole file. `quantized_kernels/` has the arithmetic of
quantized ops.
"""
