"""Layers of language models that keep a state: convolutions of what came before, linear attention, and the gates around them."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.attention import linear_attention
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def _silu(x: Any) -> Any:
    return raw.Mul(x, raw.Sigmoid(x))


@reads("CausalConvWithState", domain=MICROSOFT)
def _causal_convolution(n: Node, x: Any, weights: Any, bias: Any = None, past: Any = None) -> Any:
    """Each channel's own convolution along time, over the inputs before it and those of the last call."""
    n.only(ndim=1, channels_last=0, state_window=0, state_update_capacity=0, state_length=0)
    n.only(input_channel_offset=0, input_channels=0)
    activation = n.attr("activation", "none")
    if activation not in ("none", "silu", "swish"):
        raise InvalidArgumentError(f"the activation '{activation}' is unknown.")
    channels, _, taps = t.extents(weights)
    if not isinstance(taps, int):
        raise UnimplementedError("a kernel of a size that is not known.")
    step = n.attr("dilation", 1)
    length = (taps - 1) * step
    if past is None:
        past = raw.Fill(t.vector([t.extents(x)[0], channels, length]), t.like(0, x))
    whole = t.concat([past, x], 2)
    rows = t.transpose(t.wide(whole), [0, 2, 1])
    kernel = t.reshape(t.transpose(t.wide(weights), [2, 0, 1]), [1, taps, channels, 1])
    y = raw.DepthwiseConv2dNative(
        t.expand_dims(rows, [1]),
        kernel,
        strides=[1, 1, 1, 1],
        padding="VALID",
        dilations=[1, 1, step, 1],
    )
    y = raw.Squeeze(y, axis=[1])
    if bias is not None:
        y = raw.AddV2(y, t.wide(bias))
    y = y if activation == "none" else _silu(y)
    begin = raw.Sub(t.extent(whole, 2), t.int64(length))
    state = raw.Slice(whole, t.vector([0, 0, begin]), t.int64([-1, -1, -1]))
    return t.cast(t.transpose(y, [0, 2, 1]), x.dtype), state


@reads("LinearAttention", domain=MICROSOFT)
def _linear_attention(
    n: Node, q: Any, k: Any, v: Any, past: Any = None, decay: Any = None, beta: Any = None
) -> Any:
    n.only(state_window=0)
    if n.attr("kv_num_heads") > n.attr("q_num_heads"):
        raise UnimplementedError("more heads of keys and values than of queries.")
    return linear_attention(n, q, k, v, past, decay, beta)


@reads("LinearAttentionGate", domain=MICROSOFT)
def _linear_attention_gate(n: Node, a: Any, bias: Any, scale: Any, b: Any = None) -> Any:
    decay = raw.Mul(raw.Softplus(raw.AddV2(t.wide(a), bias)), scale)
    rate = None if b is None else t.cast(raw.Sigmoid(t.wide(b)), b.dtype)
    return t.cast(decay, a.dtype), rate


@reads("GatedRMSNorm", domain=MICROSOFT)
def _gated_norm(n: Node, x: Any, scale: Any, gate: Any) -> Any:
    """Numbers divided by the root of their mean square, in groups of as many as there are scales; times a gate."""
    activation = n.attr("activation", "silu")
    if activation not in ("silu", "swish", "sigmoid"):
        raise InvalidArgumentError(f"the activation '{activation}' is unknown.")
    size = t.extents(scale)[0]
    groups = t.reshape(t.wide(x), [*t.extents(x)[:-1], -1, size])
    mean = raw.Mean(raw.Square(groups), np.int32(-1), keep_dims=True)
    root = raw.Rsqrt(raw.AddV2(mean, t.constant(n.attr("epsilon", 1e-5), dtypes.float32)))
    y = t.reshape(raw.Mul(raw.Mul(groups, root), t.wide(scale)), t.extents(x))
    z = t.wide(gate)
    z = raw.Sigmoid(z) if activation == "sigmoid" else _silu(z)
    return t.cast(raw.Mul(y, z), x.dtype)


@reads("GatedAdd", domain=MICROSOFT)
def _gated_add(n: Node, x: Any, y: Any, gate: Any) -> Any:
    return raw.AddV2(x, raw.Mul(y, gate))


@reads("ScaledSiLU", domain=MICROSOFT)
def _scaled_silu(n: Node, x: Any, scale: Any = None) -> Any:
    factor = t.like(n.attr("alpha", 1.0), x) if scale is None else scale
    return _silu(t.cast(raw.Mul(t.wide(x), t.wide(factor)), x.dtype))
