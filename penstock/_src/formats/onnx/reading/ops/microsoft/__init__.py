"""Operators of ONNX Runtime (`com.microsoft`), which its optimizer, its quantizer and its exporters of language models write.

They are read as what they were fused or quantized from, so the compiler fuses them anew. What ONNX Runtime's processor code computes is the
reference; the tests run it beside. Attributes that change values and are not read are refused by `only` in `registry.py`.
"""
