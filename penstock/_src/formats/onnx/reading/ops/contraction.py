"""Matrix products and operators based on them: Gemm, Einsum, determinants, integer products."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

_DIRECT = FLOAT | INDEX


def product_of(a: Any, b: Any) -> Any:
    """The product of tensors as NumPy's `matmul` defines it."""
    dtype = a.dtype
    if dtype not in _DIRECT:
        wider = dtypes.int64
        return t.cast(product_of(t.cast(a, wider), t.cast(b, wider)), dtype)
    left, right = t.rank(a), t.rank(b)
    if left == 0 or right == 0:
        raise InvalidArgumentError("inputs must have one or more dimensions.")
    if left == 1:
        a = t.expand_dims(a, [0])
    if right == 1:
        b = t.expand_dims(b, [1])
    if t.rank(a) == t.rank(b) == 2:
        result = raw.MatMul(a, b)
    elif t.rank(b) == 2 and t.rank(a) > 2:
        sizes = t.extents(a)
        flat = raw.MatMul(t.reshape(a, [-1, sizes[-1]]), b)
        result = t.reshape(flat, [*sizes[:-1], t.extents(b)[1]])
    else:
        result = t.matmul(a, b)
    if left == 1:
        result = raw.Squeeze(result, axis=[t.rank(result) - 2])
    if right == 1:
        result = raw.Squeeze(result, axis=[t.rank(result) - 1])
    return result


@reads("MatMul")
def _matmul(n: Node, a: Any, b: Any) -> Any:
    return product_of(a, b)


@reads("Gemm")
def gemm(n: Node, a: Any, b: Any, c: Any = None) -> Any:
    """alpha a b + beta c, with the factors and transposes of the node."""
    alpha, beta, dtype = n.attr("alpha", 1.0), n.attr("beta", 1.0), a.dtype
    if dtype not in _DIRECT:
        a, b = t.cast(a, dtypes.int64), t.cast(b, dtypes.int64)
    y = raw.MatMul(a, b, transpose_a=n.flag("transA"), transpose_b=n.flag("transB"))
    if alpha != 1.0:
        y = raw.Mul(y, t.like(alpha, y))
    if c is not None and beta != 0.0:
        c = t.cast(c, y.dtype)
        y = raw.AddV2(y, c if beta == 1.0 else raw.Mul(c, t.like(beta, c)))
    return t.cast(y, dtype)


@reads("Einsum")
def _einsum(n: Node, *inputs: Any) -> Any:
    equation = n.attr("equation").replace(" ", "")
    if "->" not in equation:
        equation += "->" + _implied(equation)
    dtype = inputs[0].dtype
    if dtype not in _DIRECT:
        inputs = tuple(t.cast(x, dtypes.int64) for x in inputs)
    terms, output = equation.split("->")
    operands, labels = list(inputs), terms.split(",")
    if len(labels) != len(operands):
        raise InvalidArgumentError(f"the equation '{equation}' has not {len(operands)} inputs.")
    while len(operands) > 2:  # the raw op takes two: contract from the left
        kept = "".join(labels[2:]) + output
        middle = "".join(dict.fromkeys(c for c in labels[0] + labels[1] if c in kept and c != "."))
        if "..." in labels[0] + labels[1]:
            middle = "..." + middle
        joined = raw.Einsum(operands[:2], equation=f"{labels[0]},{labels[1]}->{middle}")
        operands, labels = [joined, *operands[2:]], [middle, *labels[2:]]
    return t.cast(raw.Einsum(operands, equation=f"{','.join(labels)}->{output}"), dtype)


def _implied(terms: str) -> str:
    """The output of an equation without an arrow: labels that occur once, in alphabetical order."""
    letters = [c for c in terms if c not in ",."]
    once = sorted(c for c in set(letters) if letters.count(c) == 1)
    return ("..." if "..." in terms else "") + "".join(once)
