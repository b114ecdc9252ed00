"""Random numbers: ONNX's distributions, with Penstock's generator and seeds."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads


def _seeds(n: Node) -> dict[str, int]:
    if not n.has("seed"):
        return {}
    bits = int(np.float32(n.attr("seed")).view(np.int32))
    return {"seed": bits, "seed2": 1}


def _kind(n: Node, default: Any) -> Any:
    return element_type(n.attr("dtype")).dtype if n.has("dtype") else default


def _normal(n: Node, sizes: Any, dtype: Any) -> Any:
    drawn = raw.RandomStandardNormal(sizes, dtype=dtype, **_seeds(n))
    return raw.AddV2(
        raw.Mul(drawn, t.like(n.attr("scale", 1.0), drawn)), t.like(n.attr("mean", 0.0), drawn)
    )


def _uniform(n: Node, sizes: Any, dtype: Any) -> Any:
    low, high = n.attr("low", 0.0), n.attr("high", 1.0)
    drawn = raw.RandomUniform(sizes, dtype=dtype, **_seeds(n))
    return raw.AddV2(raw.Mul(drawn, t.like(high - low, drawn)), t.like(low, drawn))


@reads("RandomNormal")
def _random_normal(n: Node) -> Any:
    return _normal(n, t.int64(n.attr("shape")), _kind(n, dtypes.float32))


@reads("RandomNormalLike")
def _random_normal_like(n: Node, x: Any) -> Any:
    return _normal(n, t.shape(x), _kind(n, x.dtype))


@reads("RandomUniform")
def _random_uniform(n: Node) -> Any:
    return _uniform(n, t.int64(n.attr("shape")), _kind(n, dtypes.float32))


@reads("RandomUniformLike")
def _random_uniform_like(n: Node, x: Any) -> Any:
    return _uniform(n, t.shape(x), _kind(n, x.dtype))


@reads("Bernoulli")
def _bernoulli(n: Node, x: Any) -> Any:
    drawn = raw.RandomUniform(t.shape(x), dtype=x.dtype, **_seeds(n))
    return t.cast(raw.Less(drawn, x), _kind(n, x.dtype))


@reads("Multinomial")
def _multinomial(n: Node, x: Any) -> Any:
    count = t.constant(n.attr("sample_size", 1), dtypes.int32)
    dtype = _kind(n, dtypes.int32)
    kind = dtype if dtype is dtypes.int64 else dtypes.int32
    return t.cast(raw.Multinomial(x, count, output_dtype=kind, **_seeds(n)), dtype)
