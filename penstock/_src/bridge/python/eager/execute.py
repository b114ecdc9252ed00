"""`tensorflow.python.eager.execute`: running an op by its name, and checking attributes."""

import typing
from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.core import registry
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.serialize.attributes import annotation_of
from penstock._src.proto.tensor import TensorProto, TensorShapeProto
from penstock._src.util import nest


def quick_execute(
    op_name: Any,
    num_outputs: int,
    inputs: Sequence[Any],
    attrs: Sequence[Any] | None,
    ctx: Any = None,
    name: str | None = None,
) -> list[Any]:
    """Runs an op and returns its outputs as a list.

    Args:
      op_name: the op.
      num_outputs: the number of outputs.
      inputs: its input tensors; those of a list input follow one another.
      attrs: names and values of its attributes in turn.
      ctx: the context.
      name: the name of the operation.

    Raises:
      NotFoundError: there is no such op.
      InvalidArgumentError: an attribute is unknown or has the wrong type, or the op has more outputs.
    """
    del ctx
    if not isinstance(num_outputs, int):
        raise TypeError(f"an integer is required (got type {type(num_outputs).__name__})")
    text = op_name.decode() if isinstance(op_name, bytes) else op_name
    op = registry.lookup(text)
    if op is None:
        raise NotFoundError(f"Op type not registered '{text}' in binary running on this machine.")
    attributes = dict(zip((attrs or ())[::2], (attrs or ())[1::2], strict=True))
    remaining = list(inputs)
    arguments: dict[str, Any] = {}
    for at, argument in enumerate(op.inputs):
        behind = len(op.inputs) - at - 1
        if argument.is_list:
            count = int(attributes.get(argument.number_attr, len(remaining) - behind))
            arguments[argument.name], remaining = remaining[:count], remaining[count:]
        else:
            arguments[argument.name] = remaining.pop(0)
    inferred = {
        key
        for argument in op.inputs
        for key in (argument.type_attr, argument.number_attr, argument.type_list_attr)
    }
    for key, value in attributes.items():
        if key not in op.attributes and key not in inferred:
            raise InvalidArgumentError(f"NodeDef mentions attr '{key}' not in Op<name={text}>")
        if key in inferred and not isinstance(value, int | list | tuple | DType):
            raise InvalidArgumentError(f"Expecting a number for attr {key}, got {value!r}")
    known = {key: value for key, value in attributes.items() if key in op.attributes}
    for key, value in known.items():
        _check_attribute(annotation_of(op, key), key, value)
    try:
        result = getattr(registry.raw, text)(**arguments, **known, name=name)
    except TypeError as error:  # for an attribute: the inputs are tensors
        raise InvalidArgumentError(str(error)) from error
    outputs = [] if result is None else nest.flatten(result)
    if len(outputs) > num_outputs:
        raise InvalidArgumentError(
            f"Expecting {len(outputs)} outputs, but *num_retvals is {num_outputs}"
        )
    return outputs


def _check_attribute(annotation: Any, name: str, value: Any) -> None:
    """Raises InvalidArgumentError if an attribute that is a shape, a type or a list of those is something else."""
    if typing.get_origin(annotation) is list:
        if not isinstance(value, list | tuple):
            raise InvalidArgumentError(
                f"Expecting sequence value for attr {name}, got {type(value).__name__}"
            )
        for item in value:
            _check_attribute(typing.get_args(annotation)[0], name, item)
    elif annotation is TensorShape:
        if not isinstance(value, TensorShape | list | tuple | TensorShapeProto | None):
            raise InvalidArgumentError(
                f"Expecting shape value for attr {name}, got {type(value).__name__}"
            )
        for size in value if isinstance(value, list | tuple) else ():
            if size is not None and not hasattr(size, "__index__"):
                raise InvalidArgumentError(
                    f"Expecting a Dimension for attr {name}, got {type(size).__name__}"
                )
    elif annotation is DType and not isinstance(value, int | DType):
        raise InvalidArgumentError(
            f"Expecting a DType.name for attr {name}, got {type(value).__name__}"
        )


execute = quick_execute


def args_to_matching_eager(
    l: Sequence[Any], ctx: Any, allowed_dtypes: Sequence[Any], default_dtype: Any = None
) -> tuple[Any, list[Any]]:
    """Returns the common type of the values, that of the first tensor among them, and the values as tensors of it."""
    del ctx
    if not l and default_dtype is not None:
        return default_dtype, []
    dtype = next((value.dtype for value in l if isinstance(value, Tensor)), None)
    tensors: list[Any] = []
    for value in l:
        tensor = convert_to_tensor(value, dtype) if dtype is not None else None
        if tensor is None:
            tensor = convert_to_tensor(value)
            if allowed_dtypes and tensor.dtype not in allowed_dtypes:
                tensor = convert_to_tensor(value, preferred_dtype=default_dtype)
            dtype = tensor.dtype
        tensors.append(tensor)
    return (None if dtype is None else dtype.as_datatype_enum), tensors


def convert_to_mixed_eager_tensors(values: Sequence[Any], ctx: Any) -> tuple[list[Any], list[Any]]:
    """Returns the types of the values, and the values as tensors."""
    del ctx
    tensors = [convert_to_tensor(value) for value in values]
    return [tensor.dtype.as_datatype_enum for tensor in tensors], tensors


def make_float(v: Any, arg_name: str) -> float:
    """Returns a number as a float."""
    if not isinstance(v, int | float):
        raise TypeError(f"Expected float for argument '{arg_name}' not {v!r}.")
    return float(v)


def make_int(v: Any, arg_name: str) -> int:
    """Returns a number as an int."""
    try:
        if not isinstance(v, str):
            return int(v)
    except (ValueError, TypeError):
        pass
    raise TypeError(f"Expected int for argument '{arg_name}' not {v!r}.")


def make_str(v: Any, arg_name: str) -> bytes:
    """Returns text as bytes."""
    if not isinstance(v, str | bytes):
        raise TypeError(f"Expected string for argument '{arg_name}' not {v!r}.")
    return v.encode() if isinstance(v, str) else v


def make_bool(v: Any, arg_name: str) -> bool:
    """Returns a bool."""
    if not isinstance(v, bool):
        raise TypeError(f"Expected bool for argument '{arg_name}' not {v!r}.")
    return v


def make_type(v: Any, arg_name: str) -> int:
    """Returns a type as its number."""
    try:
        return as_dtype(v).base_dtype.as_datatype_enum
    except TypeError:
        raise TypeError(f"Expected DataType for argument '{arg_name}' not {v!r}.") from None


def make_shape(v: Any, arg_name: str) -> list[int | None] | None:
    """Returns a shape as a list, None for an unknown rank."""
    try:
        shape = as_shape(v)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Error converting {arg_name} to a TensorShape: {error}.") from error
    return None if shape.rank is None else shape.as_list()


def make_tensor(v: Any, arg_name: str) -> Any:
    """Returns a TensorProto, given itself or as text."""
    if isinstance(v, TensorProto):
        return v
    if isinstance(v, str):
        return text_format.Merge(v, TensorProto())
    raise TypeError(f"Don't know how to convert {v!r} to a TensorProto for argument '{arg_name}'.")
