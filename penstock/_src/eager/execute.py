"""The path of an eager op: bind the arguments, run its kernel, wrap the results, tell the tapes."""

from typing import Any

import numpy as np

from penstock._src.core import convert, dispatch
from penstock._src.core.arrays import to_array
from penstock._src.core.binding import bind
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op, group_arguments
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor

# Ops bound to types and attributes are kept up to this number per op.
MOST_BOUND = 1024


def execute(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any:
    """Runs an op now. See `core.dispatch.execute`."""
    if cls.is_simple:
        try:
            types = [tensor._dtype for tensor in inputs]
            op = cls.bound[(*types, *attrs.items()) if attrs else tuple(types)]
            values = [tensor._value for tensor in inputs]
        except (AttributeError, KeyError, TypeError):
            # Not eager tensors, or never bound so: the general path says what is wrong, if anything.
            op = None
        if op is not None:
            output = _wrap_one(run_kernel(op, values), op.output_dtypes[0])
            if STATE.tapes or STATE.accumulators:
                dispatch.record(op, list(inputs), [output])
            return output
    return _execute_any(cls, inputs, attrs)


def _execute_any(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    given = tuple(attrs.items())
    tensors, op = bind(cls, inputs, attrs, False)
    if cls.is_simple and len(cls.bound) < MOST_BOUND:
        _keep(cls, tensors, given, op)
    outputs = run(op, tensors)
    if STATE.tapes or STATE.accumulators:
        dispatch.record(op, tensors, outputs)
    return arrange(op, outputs)


def _keep(cls: type[Op], tensors: list[Any], given: tuple[Any, ...], op: Op) -> None:
    try:
        cls.bound[(*(t.dtype for t in tensors), *given)] = op
    except TypeError:
        # An attribute that does not hash, such as a list: such calls are bound each time.
        return


def run(op: Op, tensors: list[Any]) -> list[EagerTensor]:
    """Runs the kernel of `op` on eager tensors; returns the flat list of outputs."""
    try:
        values = [tensor._value for tensor in tensors]
    except AttributeError:
        raise _out_of_scope(op, tensors) from None
    return wrap(op, run_kernel(op, values))


def run_kernel(op: Op, values: list[Any]) -> Any:
    """Calls `op.eager`, with the values of list arguments gathered into lists."""
    try:
        if op.takes_lists:
            return op.eager(*group_arguments(op.inputs, op, values))
        return op.eager(*values)
    except OpError as error:
        if error._message and "[Op:" not in error._message:
            error._message = f"{error._message} [Op:{op.op_type}]"
            error.args = (error._message,)
        raise


def wrap(op: Op, result: Any) -> list[EagerTensor]:
    """Returns what a kernel returned as eager tensors of the types that the op declares."""
    types = op.output_dtypes  # type: ignore[attr-defined]
    if len(types) == 1:
        result = (result,)
    elif not types:
        return []
    outputs: list[EagerTensor] = []
    for value, dtype in zip(result, types, strict=True):
        if type(dtype) is tuple:
            outputs.extend(map(_wrap_one, value, dtype))
        else:
            outputs.append(_wrap_one(value, dtype))
    return outputs


def _wrap_one(value: Any, dtype: DType) -> EagerTensor:
    if type(value) is np.ndarray:
        if value.dtype is not dtype.np and value.dtype != dtype.np:
            value = value.astype(dtype.np)
    elif dtype.is_numpy_compatible:
        value = _as_array(value, dtype)
    return EagerTensor(value, dtype)


def _as_array(value: Any, dtype: DType) -> np.ndarray:
    if dtype.np.kind != "O":
        return np.asarray(value, dtype.np)
    out = np.empty((), object)
    out[()] = value
    return out


def arrange(op: Op, flat: list[Any]) -> Any:
    """Returns the outputs as the caller of a raw op sees them."""
    types = op.output_dtypes  # type: ignore[attr-defined]
    if len(types) == 1:
        return flat if type(types[0]) is tuple else flat[0]
    if not types:
        return None
    return type(op).output_tuple()(*group_arguments(op.outputs, op, flat))


def _out_of_scope(op: Op, tensors: list[Any]) -> TypeError:
    name = next(t.name for t in tensors if not isinstance(t, EagerTensor))
    return TypeError(
        f"{op.op_type}: the tensor '{name}' belongs to a graph and has no value here. It was made "
        "inside a tf.function or tf.Graph and is out of scope: return it from the function instead "
        "of keeping it."
    )


def make_constant(array: np.ndarray, dtype: DType, name: str | None) -> Tensor:
    """Returns a constant in the current context."""
    if STATE.graph is None:
        return EagerTensor(array, dtype)
    return STATE.graph.constant(array, dtype, name)


def pack(values: Any, dtype: DType | None, name: str | None) -> Tensor:
    """Returns the tensor of a nested list that holds tensors.

    Raises:
      TypeError, ValueError: the elements differ in type or shape.
    """
    first = _type_of_first_tensor(values)
    # A type that is asked for is cast to, unless the first tensor has it: then all must.
    casts = dtype is not None and first is not dtype
    return _pack(values, dtype or first, name or "packed", casts)


def _pack(values: Any, dtype: DType | None, name: str, casts: bool) -> Tensor:
    parts = [
        _pack(value, dtype, name, casts)
        if isinstance(value, (list, tuple))
        else _element(value, dtype, casts)
        for value in values
    ]
    return raw.Pack(parts, axis=0, name=name)


def _element(value: Any, dtype: DType | None, casts: bool) -> Tensor:
    tensor = convert.convert_to_tensor(value, dtype=None if isinstance(value, Tensor) else dtype)
    if dtype is not None and tensor.dtype.base_dtype is not dtype:
        if casts:
            return raw.Cast(tensor, DstT=dtype)
        raise TypeError(
            f"Cannot convert a list containing a tensor of dtype {tensor.dtype} to {dtype} "
            f"(Tensor is: {tensor!r})"
        )
    return tensor


def _type_of_first_tensor(values: Any) -> DType | None:
    for value in values:
        if isinstance(value, (list, tuple)):
            found = _type_of_first_tensor(value)
            if found is not None:
                return found
        elif convert.is_tensor_like(value):
            return value.dtype.base_dtype
    return None


def constant_array(value: Any, dtype: DType | None = None) -> np.ndarray:
    """Returns the host array of a tensor or Python value."""
    if isinstance(value, EagerTensor):
        return value._value
    return to_array(value, dtype)[0]


dispatch.set_eager_executor(execute)
convert.MAKE_CONSTANT = make_constant
convert.PACK = pack
