"""One operation run on the host, by the eager kernel of its op."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.refusals import refusal_of_values
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op, group_arguments
from penstock._src.core.values.resources import VariableHandle, host_value
from penstock._src.graph.operation import Operation


def run_on_host(op: Operation, arguments: list[Any], kernel: Op | None = None) -> list[Any]:
    """The outputs of an operation, flat, by its eager kernel, or by `kernel`, which it had before.

    Raises:
      OpError: as the kernel does, with the operation's name and the user's line added.
    """
    raw = kernel or op.raw_op
    for argument in arguments:
        if type(argument) is not np.ndarray and isinstance(argument, VariableHandle):
            arguments = dereferenced(op, arguments) if reads_reference(op) else arguments
            break
    if raw.traits.takes_lists:
        arguments = group_arguments(raw.inputs, raw, arguments)
    try:
        result = (
            raw.compute(*arguments, op.name)
            if raw.host_kernel.takes_name
            else raw.compute(*arguments)
        )
    except Exception as error:
        raise refusal_at(op, raw, error, arguments)  # noqa: B904 - it is the error itself, or has it as its cause
    return flat_outputs(raw, result)


def refusal_at(op: Operation, kernel: Op, error: Exception, arguments: list[Any]) -> Exception:
    """Converts the error of an operation's kernel to one with the operation's name and the user's line."""
    refusal = refusal_of_values(kernel, error, arguments)
    if isinstance(refusal, OpError):
        locate(refusal, op)
    return refusal


def reads_reference(op: Operation) -> bool:
    """True if an operation takes a tensor that is a reference to a v1 variable or object."""
    for tensor in op._inputs:
        maker = getattr(tensor.op, "raw_op", None)
        if maker is not None and maker.traits.has_refs and tensor.dtype.is_numpy_compatible:
            return True
    return False


def dereferenced(op: Operation, arguments: list[Any]) -> list[Any]:
    """The arguments, with v1 variables replaced by their values where the kernel does not take the variable."""
    raw = op.raw_op
    takes_reference: list[bool] = []
    for argument, group in zip(
        raw.inputs, group_arguments(raw.inputs, raw, arguments), strict=True
    ):
        count = len(group) if argument.is_list else 1
        takes_reference += [argument.is_ref] * count
    return [
        value.read()
        if isinstance(value, VariableHandle) and not by_reference and t.dtype != dtypes.resource
        else value
        for value, by_reference, t in zip(arguments, takes_reference, op._inputs, strict=True)
    ]


def locate(error: OpError, op: Any = None) -> None:
    """Adds an operation's name and the user's line to an error that does not name one. A program's error has the
    operation as its `_origin`."""
    op = op or error._origin
    if isinstance(op, Operation) and "{{node" not in error._message:
        where = f"\n{op.location.in_user_code()}" if op.location else ""
        error._message = f"{error._message} [[{{{{node {op.name}}}}}]]{where}"
        error.args = (error._message,)


def flat_outputs(raw: Any, result: Any) -> list[Any]:
    """Converts the results of a kernel to one host value for each output, in the declared dtypes."""
    types = raw.output_dtypes
    if not types:
        return []
    if len(types) == 1 and type(types[0]) is not tuple:
        return [host_value(result, types[0])]
    parts = (result,) if len(types) == 1 else result
    flat: list[Any] = []
    for part, dtype in zip(parts, types, strict=True):
        if type(dtype) is tuple:
            flat.extend(host_value(v, d) for v, d in zip(part, dtype, strict=True))
        else:
            flat.append(host_value(part, dtype))
    return flat
