"""Activations with the biases that ONNX Runtime fuses before them."""

from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.activations import (
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    swish,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def activated(x: Any, name: str, parameters: list[float]) -> Any:
    """The activation that a fused operator names, with its parameters.

    Raises:
      UnimplementedError: there is no such activation.
    """
    if name not in _ACTIVATIONS:
        raise UnimplementedError(f"the activation '{name}' is not supported.")
    return _ACTIVATIONS[name](x, *parameters)


def _clipped(x: Any, low: float, high: float) -> Any:
    return raw.Minimum(raw.Maximum(x, t.like(low, x)), t.like(high, x))


_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "": lambda x: x,
    "Relu": raw.Relu,
    "Sigmoid": raw.Sigmoid,
    "Tanh": raw.Tanh,
    "LeakyRelu": lambda x, alpha=0.01: leaky_relu(x, alpha),
    "HardSigmoid": lambda x, alpha=0.2, beta=0.5: hard_sigmoid(x, alpha, beta),
    "HardSwish": lambda x: raw.Mul(x, hard_sigmoid(x, 1 / 6, 0.5)),
    "Elu": lambda x, alpha=1.0: elu(x, alpha),
    "Clip": _clipped,
}


@reads("Gelu", domain=MICROSOFT)
def _gelu(n: Node, x: Any) -> Any:
    return gelu(x)


@reads("BiasGelu", domain=MICROSOFT)
def _bias_gelu(n: Node, x: Any, bias: Any) -> Any:
    return gelu(raw.AddV2(x, bias))


@reads("FastGelu", domain=MICROSOFT)
def _fast_gelu(n: Node, x: Any, bias: Any = None) -> Any:
    return gelu(x if bias is None else raw.AddV2(x, bias), approximate=True)


@reads("QuickGelu", domain=MICROSOFT)
def _quick_gelu(n: Node, x: Any) -> Any:
    return swish(x, n.attr("alpha", 1.702))
