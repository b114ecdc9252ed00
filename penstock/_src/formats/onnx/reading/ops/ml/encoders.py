"""Columns of tables: scales, categories, missing numbers, labels."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

ML = "ai.onnx.ml"


@reads("Binarizer", domain=ML)
def _binarizer(n: Node, x: Any) -> Any:
    return t.cast(raw.Greater(x, t.like(n.attr("threshold", 0.0), x)), x.dtype)


@reads("Scaler", domain=ML)
def _scaler(n: Node, x: Any) -> Any:
    x = t.cast(x, dtypes.float32)
    return raw.Mul(raw.Sub(x, t.like(n.attr("offset"), x)), t.like(n.attr("scale"), x))


@reads("LabelEncoder", domain=ML)
def _label_encoder(n: Node, x: Any) -> Any:
    keys, values = table(n, "keys"), table(n, "values")
    default = _default_label(n, values)
    return _mapped(x, keys, values, default)


def _mapped(x: Any, keys: np.ndarray, values: np.ndarray, default: np.ndarray) -> Any:
    """The value at the key that a number or text equals; the last one of equal keys counts."""
    if len(keys) != len(values):
        raise InvalidArgumentError(f"{len(keys)} keys do not fit {len(values)} values.")
    every = t.like(keys, x)
    wide = t.expand_dims(x, [t.rank(x)])
    hits = raw.Equal(wide, every)
    if x.dtype.is_floating:
        hits = raw.LogicalOr(hits, raw.LogicalAnd(raw.IsNan(wide), raw.IsNan(every)))
    order = raw.Mul(t.cast(hits, dtypes.int32), np.arange(1, len(keys) + 1, dtype=np.int32))
    place = raw.Max(order, np.int32(-1))
    entries = np.concatenate([default.astype(values.dtype).reshape(1), values])
    return t.batched_gather(constant_of(entries), place, 0)


def constant_of(values: np.ndarray) -> Any:
    """A constant of an array of numbers or bytes."""
    return t.constant(values, dtypes.as_dtype(values.dtype))


def table(n: Node, side: str) -> np.ndarray:
    """The keys or values of an encoder."""
    if n.has(f"{side}_tensor"):
        return n.attr(f"{side}_tensor").reshape(-1)
    if n.has(f"{side}_strings"):
        return np.array([s.encode() for s in n.attr(f"{side}_strings")], object)
    if n.has(f"{side}_int64s"):
        return np.array(n.attr(f"{side}_int64s"), np.int64)
    return np.array(n.attr(f"{side}_floats"), np.float32)


def _default_label(n: Node, values: np.ndarray) -> np.ndarray:
    if n.has("default_tensor"):
        return n.attr("default_tensor")
    if values.dtype == np.object_:
        return np.array(n.attr("default_string", "_Unused").encode(), object)
    if values.dtype.kind in "iu":
        return np.array(n.attr("default_int64", -1))
    return np.array(n.attr("default_float", -0.0))


@reads("Normalizer", domain=ML)
def _normalizer(n: Node, x: Any) -> Any:
    x = t.cast(x, dtypes.float32)
    kind = n.attr("norm", "MAX")
    if kind == "L2":
        norm = raw.Sqrt(t.reduced("Sum", raw.Square(x), [-1], keep_dims=True))
    elif kind == "L1":
        norm = t.reduced("Sum", raw.Abs(x), [-1], keep_dims=True)
    elif kind == "MAX":
        norm = t.reduced("Max", x, [-1], keep_dims=True)
    else:
        raise InvalidArgumentError(f"the norm '{kind}' is unknown.")
    # A row of zeros remains.
    return raw.RealDiv(x, raw.SelectV2(raw.Equal(norm, t.like(0, x)), t.like(1, x), norm))


@reads("Imputer", domain=ML)
def _imputer(n: Node, x: Any) -> Any:
    kind = "float" if x.dtype.is_floating else "int64"
    values = np.array(n.attr(f"imputed_value_{kind}s"))
    replaced = n.attr(f"replaced_value_{kind}", 0.0 if kind == "float" else 0)
    is_missing = raw.IsNan(x) if replaced != replaced else raw.Equal(x, t.like(replaced, x))
    return raw.SelectV2(is_missing, t.like(values, x), x)


@reads("OneHotEncoder", domain=ML)
def _one_hot_encoder(n: Node, x: Any) -> Any:
    categories = table(n, "cats")
    if categories.dtype != np.object_ and x.dtype is not dtypes.int64:
        x = t.cast(x, dtypes.int64)
    wide = t.expand_dims(x, [t.rank(x)])
    hits = raw.Equal(wide, t.constant(categories, x.dtype))
    if n.flag("zeros", 1):
        return t.cast(hits, dtypes.float32)
    known = raw.All(raw.Any(hits, np.int32(-1)), np.arange(t.rank(x), dtype=np.int32))
    raw.Assert(known, [x], summarize=3)
    return t.cast(hits, dtypes.float32)


@reads("FeatureVectorizer", domain=ML)
def _feature_vectorizer(n: Node, *columns: Any) -> Any:
    widths = n.attr("inputdimensions")
    if len(widths) != len(columns):
        raise InvalidArgumentError(f"{len(widths)} widths do not fit {len(columns)} inputs.")
    parts = []
    for x, width in zip(columns, widths, strict=True):
        x = t.expand_dims(x, [1]) if t.rank(x) == 1 else x
        parts.append(t.slice_along(t.cast(x, dtypes.float32), 1, 0, width))
    return t.concat(parts, 1)


@reads("CategoryMapper", domain=ML)
def _category_mapper(n: Node, x: Any) -> Any:
    texts = np.array([s.encode() for s in n.attr("cats_strings")], object)
    numbers = np.array(n.attr("cats_int64s"), np.int64)
    if x.dtype is dtypes.string:
        return _mapped(x, texts, numbers, np.array(n.attr("default_int64", -1)))
    default = np.array(n.attr("default_string", "_Unused").encode(), object)
    return _mapped(x, numbers, texts, default)


@reads("ZipMap", domain=ML)
def _zip_map(n: Node, scores: Any) -> Any:
    """The scores as they are: ONNX Runtime makes dictionaries of Python of them, by labels."""
    return raw.Identity(scores)
