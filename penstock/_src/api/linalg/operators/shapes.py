"""Argument checks and shape arithmetic.

A shape vector is a NumPy array if the shape is static, else a tensor.
"""

import numpy as np

from penstock._src.api.control.scopes import no_op
from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.linalg.bands import adjoint as adjoint_of
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, broadcast_shapes
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.static_values import constant_value_as_shape, get_static_value

_FLOATS = (
    dtypes.float16,
    dtypes.float32,
    dtypes.float64,
    dtypes.complex64,
    dtypes.complex128,
)


def is_reference(value):
    """True if `value` is a variable or a module that acts as a tensor."""
    if isinstance(value, Variable):
        return True
    return isinstance(value, Module) and hasattr(value, "dtype") and hasattr(value, "shape")


def parameter(value, name, dtype=None):
    """`value` as tensor; a reference stays, so that the operator follows its assignments."""
    return value if is_reference(value) else convert_to_tensor(value, dtype=dtype, name=name)


def read(value):
    """The current value of a parameter as a tensor."""
    return convert_to_tensor(value)


def vector(x):
    """The shape of a tensor (or a static TensorShape) as a vector."""
    shape = x if isinstance(x, TensorShape) else x.shape
    if shape.is_fully_defined():
        return np.array(shape.as_list(), np.int32)
    return raw.Shape(input=read(x))


def joined(*parts):
    """The vectors and numbers concatenated to one vector."""
    if all(not isinstance(p, Tensor) for p in parts):
        return np.concatenate([np.reshape(p, -1) for p in parts]).astype(np.int32)
    flat = [raw.Reshape(tensor=p, shape=np.array([-1], np.int32)) for p in parts]
    return raw.ConcatV2(values=[as_int32(p) for p in flat], axis=np.int32(0))


def as_int32(x):
    """`x` as an int32 tensor."""
    x = convert_to_tensor(x)
    return x if x.dtype == dtypes.int32 else raw.Cast(x=x, DstT=dtypes.int32)


def broadcast_vectors(*vectors):
    """The shape that several shapes broadcast to."""
    result = vectors[0]
    for other in vectors[1:]:
        if isinstance(result, Tensor) or isinstance(other, Tensor):
            result = raw.BroadcastArgs(s0=result, s1=other)
        else:
            known = broadcast_shapes(TensorShape(result), TensorShape(other))
            result = np.array(known.as_list(), np.int32)
    return result


def broadcast_static(*shapes):
    """The static shape that several shapes broadcast to."""
    result = TensorShape([])
    for shape in shapes:
        result = broadcast_shapes(result, shape)
    return result


def integer(value):
    """The value of a Python integer or an integer tensor, or None if it is not static."""
    if not is_tensor_like(value) and not isinstance(value, np.ndarray):
        return int(value)
    known = value if isinstance(value, np.ndarray) else get_static_value(read(value))
    return None if known is None else int(known)


def broadcast_batch(x, batch):
    """`x` repeated so that its axes but the last two broadcast with the shape `batch`."""
    have = x.shape[:-2] if x.shape.rank is not None else TensorShape(None)
    if not isinstance(batch, Tensor):
        if len(batch) == 0 or (
            have.is_fully_defined()
            and broadcast_static(have, TensorShape(batch)).as_list() == have.as_list()
        ):
            return x
    full = vector(x)
    target = broadcast_vectors(full[:-2], batch)
    result = raw.BroadcastTo(input=x, shape=joined(target, full[-2:]))
    if x.shape.rank is not None:
        known = batch if not isinstance(batch, Tensor) else constant_value_as_shape(batch)
        result.set_shape(broadcast_static(have, TensorShape(known)).concatenate(x.shape[-2:]))
    return result


def broadcast_matrices(*matrices):
    """The matrices with their batch axes broadcast to one shape."""
    if len(matrices) == 1:
        return list(matrices)
    shapes = [m.shape[:-2] for m in matrices]
    if all(s.is_fully_defined() for s in shapes):
        if len({tuple(s.as_list()) for s in shapes}) == 1:
            return list(matrices)
    batch = broadcast_vectors(*(vector(m)[:-2] for m in matrices))
    broadcast = [broadcast_batch(m, batch) for m in matrices]
    if all(m.shape.rank is not None for m in matrices):
        known = broadcast_static(*shapes)
        for m in broadcast:
            m.set_shape(known.concatenate(m.shape[-2:]))
    return broadcast


def adjoint_if(condition, x):
    """The adjoint of `x` if `condition`, else `x`."""
    return adjoint_of(x) if condition else x


def to_column(x):
    """A vector `[..., n]` as the matrix `[..., n, 1]`."""
    return raw.ExpandDims(input=x, axis=np.int32(-1))


def from_column(x):
    """A matrix `[..., n, 1]` as the vector `[..., n]`."""
    return raw.Squeeze(input=x, axis=[-1])


def assert_real(x, message):
    """An assertion that no entry has an imaginary part."""
    if not x.dtype.is_complex:
        return no_op()
    imaginary = raw.Imag(input=x, Tout=x.dtype.real_dtype)
    return assert_equal(imaginary, raw.ZerosLike(x=imaginary), message=message)


def check_matrix(x, name, rank=2, floating=True):
    """Raises if `x` has fewer axes than `rank` or an unsupported dtype."""
    if floating and x.dtype.base_dtype not in _FLOATS:
        names = ", ".join(f"tf.{d.name}" for d in _FLOATS)
        raise TypeError(
            f"Argument `{name}` must have dtype in [{names}]. Received: <dtype: '{x.dtype.name}'>."
        )
    if x.shape.rank is not None and x.shape.rank < rank:
        plural = "s" if rank > 1 else ""
        shown = x.numpy() if hasattr(x, "numpy") else x
        raise ValueError(
            f"Argument `{name}` must have at least {rank} dimension{plural}. Received: {shown}."
        )


def check_operators(operators, separator):
    """The operators as a list, and their joined names; raises unless their dtypes agree."""
    operators = list(operators)
    if not operators:
        raise ValueError(f"Expected a non-empty list of operators. Found: {operators}")
    if any(o.dtype != operators[0].dtype for o in operators):
        shown = "   ".join(str((o.name, o.dtype)) for o in operators)
        raise TypeError(f"Expected all operators to have the same dtype.  Found {shown}")
    return operators, separator.join(o.name for o in operators)
