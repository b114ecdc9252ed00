"""Joins products and convolutions with the bias and the activation that follow, as TensorFlow.js computes them in one go."""

from __future__ import annotations

from collections import Counter
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError

_FUSED = {
    "Conv2D": "_FusedConv2D",
    "MatMul": "_FusedMatMul",
    "DepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
}
_ACTIVATIONS = ("Relu", "Relu6", "Elu")
_BIASES = ("BiasAdd", "AddV2", "Add")


def fused(definition: Any) -> None:
    """Replaces products and their following nodes in a GraphDef by fused nodes.

    A node whose result has other readers is not fused. Only biases that are constant vectors are fused.

    Args:
      definition: a GraphDef, which is changed.
    """
    nodes = {node.name: node for node in definition.node}
    uses = Counter(_source(text) for node in definition.node for text in node.input)
    constants = {n.name: n for n in definition.node if n.op == "Const"}
    dropped = set()
    for bias in definition.node:
        product = _product_of(bias, nodes, uses, constants)
        if product is None:
            continue
        last, names = bias, ["BiasAdd"]
        after = _only_reader(definition, bias, uses)
        if after is not None and after.op in _ACTIVATIONS:
            last = after
            names.append(after.op)
        _become(last, product, _constant_input(bias, constants), names)
        dropped |= {product.name, bias.name} - {last.name}
    kept = [node for node in definition.node if node.name not in dropped]
    del definition.node[:]
    definition.node.extend(kept)


def _source(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


def _product_of(bias: Any, nodes: Any, uses: Counter[str], constants: Any) -> Any:
    """The product that a node adds a constant vector to, or None."""
    if bias.op not in _BIASES or _constant_input(bias, constants) is None:
        return None
    (first,) = [text for text in bias.input if _source(text) not in constants] or [""]
    product = nodes.get(_source(first))
    if product is None or product.op not in _FUSED or uses[product.name] != 1:
        return None
    if product.op == "MatMul" and product.attr["transpose_a"].b:
        return None
    formats = {n.attr["data_format"].s for n in (bias, product) if "data_format" in n.attr}
    return product if formats <= {b"NHWC"} and len(product.input) == 2 else None


def _constant_input(node: Any, constants: Any) -> Any:
    """The name of the only input that is a constant vector of more than one number, or None."""
    constant_texts = [text for text in node.input if _source(text) in constants]
    if len(constant_texts) != 1 or len(node.input) != 2:
        return None
    extents = constants[_source(constant_texts[0])].attr["value"].tensor.tensor_shape.dim
    return constant_texts[0] if len(extents) == 1 and extents[0].size > 1 else None


def _only_reader(definition: Any, node: Any, uses: Counter[str]) -> Any:
    if uses[node.name] != 1:
        return None
    return next(n for n in definition.node if node.name in map(_source, n.input))


def _become(node: Any, product: Any, bias: str, names: list[str]) -> None:
    """Makes a node the fused product."""
    name, fused_node = node.name, type(node)()
    fused_node.CopyFrom(product)
    fused_node.name, fused_node.op = name, _FUSED[product.op]
    fused_node.input.append(bias)
    fused_node.attr["num_args"].i = 1
    fused_node.attr["fused_ops"].list.s.extend(each.encode() for each in names)
    fused_node.attr["epsilon"].f = 0.0
    node.CopyFrom(fused_node)


_PLAIN = {fused: plain for plain, fused in _FUSED.items()}
_OF_FUSED = ("num_args", "fused_ops", "epsilon", "leakyrelu_alpha")


def unfuse(definition: Any) -> None:
    """Replaces fused nodes in a GraphDef by the separate nodes, and TensorFlow.js's own `Prelu` by TensorFlow's operations.

    Args:
      definition: a GraphDef, which is changed.

    Raises:
      UnimplementedError: a node joins something else than a bias and an activation.
    """
    nodes = []
    for node in definition.node:
        for part in _parts(node) if node.op in _PLAIN else [node]:
            nodes += _prelu(part) if part.op == "Prelu" else [part]
    nodes = [type(definition.node[0]).FromString(node.SerializeToString()) for node in nodes]
    del definition.node[:]
    definition.node.extend(nodes)


def _parts(node: Any) -> list[Any]:
    """The separate nodes of a fused one; the last has its name."""
    names = [text.decode() for text in node.attr["fused_ops"].list.s]
    product = type(node)()
    product.CopyFrom(node)
    product.op = _PLAIN[node.op]
    product.input[:] = node.input[:2]
    for key in _OF_FUSED:
        product.attr.pop(key, None)
    parts, rest = [product], list(node.input[2:])
    for name in names:
        parts.append(_part(node, name, rest))
    if rest:
        raise UnimplementedError(f"{node.op} '{node.name}' with fused ops {names}.")
    for at, part in enumerate(parts[:-1]):
        part.name = f"{node.name}/{part.op}"
        parts[at + 1].input[:0] = [part.name]
    parts[-1].name = node.name
    return parts


def _part(node: Any, name: str, rest: list[str]) -> Any:
    """A node of a fused one, without its first input; takes further ones from `rest`."""
    part = type(node)(op=name)
    part.attr["T"].type = node.attr["T"].type
    if name in ("BiasAdd", "Prelu") and rest:
        part.input.append(rest.pop(0))
    elif name == "LeakyRelu":
        part.attr["alpha"].f = node.attr["leakyrelu_alpha"].f
    elif name not in (*_ACTIVATIONS, "Sigmoid"):
        raise UnimplementedError(f"{node.op} '{node.name}' with the fused op {name}.")
    return part


def _prelu(node: Any) -> list[Any]:
    """Nodes of max(x, 0) + slope min(x, 0), the last with the node's name; TensorFlow has no such operation."""
    x, slope = node.input
    dtype = node.attr["T"].type or dtypes.float32.as_datatype_enum
    zero = type(node)(name=f"{node.name}/zero", op="Const")
    zero.attr["dtype"].type = dtype
    zero.attr["value"].tensor.dtype = dtype
    zero.attr["value"].tensor.tensor_shape.SetInParent()
    zero.attr["value"].tensor.tensor_content = bytes(dtypes.as_dtype(dtype).size)
    named = {
        "Maximum": (x, zero.name),
        "Minimum": (x, zero.name),
        "Mul": (slope, f"{node.name}/Minimum"),
        "AddV2": (f"{node.name}/Maximum", f"{node.name}/Mul"),
    }
    nodes = [zero]
    for op, inputs in named.items():
        part = type(node)(name=node.name if op == "AddV2" else f"{node.name}/{op}", op=op)
        part.input[:] = inputs
        part.attr["T"].type = dtype
        nodes.append(part)
    return nodes
