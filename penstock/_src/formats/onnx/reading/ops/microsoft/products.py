"""Products and convolutions with what ONNX Runtime fuses into them."""

from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.contraction import gemm, product_of
from penstock._src.formats.onnx.reading.ops.microsoft.activations import activated
from penstock._src.formats.onnx.reading.ops.nn.convolution import convolution
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


@reads("FusedMatMul", "TransposeMatMul", domain=MICROSOFT)
def _fused_matmul(n: Node, a: Any, b: Any) -> Any:
    y = product_of(_turned(n, a, "A"), _turned(n, b, "B"))
    alpha = n.attr("alpha", 1.0)
    return y if alpha == 1.0 else raw.Mul(y, t.like(alpha, y))


def _turned(n: Node, x: Any, name: str) -> Any:
    """An operand with the dimensions moved as its attributes say; a vector has none to move."""
    order = list(range(t.rank(x)))
    if n.flag(f"transBatch{name}") and len(order) > 2:
        order = [*order[1:-1], 0, order[-1]]
    if n.flag(f"trans{name}") and len(order) > 1:
        order[-2:] = order[:-3:-1]
    return t.transpose(x, order)


@reads("FusedGemm", domain=MICROSOFT)
def _fused_gemm(n: Node, a: Any, b: Any, c: Any = None) -> Any:
    names = ("activation_alpha", "activation_beta", "activation_gamma")
    parameters = [n.attr(name) for name in names if n.has(name)]
    return activated(gemm(n, a, b, c), n.attr("activation", ""), parameters)


@reads("FusedConv", domain=MICROSOFT)
def _fused_conv(n: Node, x: Any, w: Any, b: Any = None, z: Any = None) -> Any:
    y = convolution(n, x, w, b)
    if z is not None:
        y = raw.AddV2(y, z)
    return activated(y, n.attr("activation", ""), n.attr("activation_params", []))


@reads("Inverse", domain=MICROSOFT)
def _inverse(n: Node, x: Any) -> Any:
    return raw.MatrixInverse(x)


@reads("CDist", domain=MICROSOFT)
def _cdist(n: Node, a: Any, b: Any) -> Any:
    metric = n.attr("metric", "sqeuclidean")
    gaps = raw.Sub(t.expand_dims(a, [1]), t.expand_dims(b, [0]))
    squares = raw.Sum(raw.Square(gaps), np.int32(2))
    return raw.Sqrt(squares) if metric == "euclidean" else squares


@reads("ExpandDims", domain=MICROSOFT, settings=(1,))
def _expand_dims(n: Node, x: Any, axis: Any) -> Any:
    return raw.ExpandDims(x, raw.Reshape(axis, np.zeros(0, np.int32)))
