"""Runs eager ops on a device: each is a compiled graph of this one op, kept by the shapes and types of its inputs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.binding import bind
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op, flatten_arguments
from penstock._src.core.registry import find
from penstock._src.core.shapes import SCALAR, TensorShape, make_shape
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.accelerator import moved
from penstock._src.eager.compiled import MOST_KEPT
from penstock._src.eager.execute import run
from penstock._src.eager.forms import SMALL, open_shape
from penstock._src.eager.placed.tensor import PlacedTensor, held_value, tensor_there
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.func_graph import FuncGraph

_KEPT: dict[Any, Any] = {}


class VariableForm(NamedTuple):
    """Static properties of a variable."""

    shape: TensorShape
    dtype: DType


def run_on_device(op: Op, tensors: Sequence[Any], number: int) -> list[EagerTensor]:
    """Runs an op on a GPU; its results stay there.

    Args:
      op: has a lowering.
      tensors: its inputs, flat.
      number: of the GPU.
    """
    if op.at_position is not None:
        op, tensors = _at_its_position(op, tensors)
    values = [held_value(tensor) for tensor in tensors]
    forms = _forms(values)
    key = (id(op), number, *[_key(form) for form in forms], *[t.dtype._enum for t in tensors])
    entry = _KEPT.get(key)
    try:
        if entry is None:
            if len(_KEPT) >= MOST_KEPT:
                _KEPT.clear()
            # The op stays alive, so that its id is not reused.
            entry = _KEPT[key] = op, _executable(op, tensors, forms)
        arguments = [v for v, form in zip(values, forms) if type(form) is not np.ndarray]
        results = entry[1].run_there(arguments, number)
    except (RefusedValue, InvalidArgumentError):
        if not op.stateful or op.effects.leaves_nothing:
            run(op, list(tensors))  # raises the same error as on the CPU
        raise
    types = flatten_arguments(op.output_dtypes)
    there = [moved(value, number) for value in results]
    return [tensor_there(v, dtype, number) for v, dtype in zip(there, types, strict=True)]


def run_by_devices(op: Op, tensors: Sequence[Any]) -> list[EagerTensor] | None:
    """Runs an op on the devices that have its inputs; None if they cannot."""
    if not any(type(tensor) is PlacedTensor for tensor in tensors):
        return None
    results = op.on_devices(list(map(held_value, tensors)))
    if results is None:
        return None
    types = flatten_arguments(op.output_dtypes)
    return [PlacedTensor(v, dtype) for v, dtype in zip(results, types, strict=True)]


def _at_its_position(op: Op, tensors: Sequence[Any]) -> tuple[Op, list[Any]]:
    """Converts a stateful random op to one that draws at a given position, so that one program serves all positions."""
    drawn, inputs, attrs = op.at_position(*tensors)
    arguments = [
        EagerTensor(x, dtypes.as_dtype(x.dtype)) if type(x) is np.ndarray else x for x in inputs
    ]
    bound_inputs, stateless = bind(
        find(drawn) if type(drawn) is str else drawn, tuple(arguments), attrs, False
    )
    return stateless, bound_inputs


def _forms(values: Sequence[Any]) -> list[Any]:
    """Return the static properties of an op's inputs: the values of the host's small integers, the shapes of others.

    The first extent of the largest array, and of those that share it, stays open, so that another batch size compiles no kernels,
    unless sizes are given.
    """
    forms = [_form(value) for value in values]
    is_open = [type(form) is tuple for form in forms]
    arrays = [value for value, opens in zip(values, is_open) if opens]
    if not arrays or any(type(form) is np.ndarray and form.ndim for form in forms):
        return forms
    largest = max(arrays, key=lambda v: v.size)
    return [
        open_shape(v, largest) if opens else form for v, form, opens in zip(values, forms, is_open)
    ]


def _form(value: Any) -> Any:
    if isinstance(value, VariableHandle):
        return VariableForm(value.shape, value.dtype)
    is_small = type(value) is np.ndarray and value.ndim <= 1 and value.size <= SMALL
    return value if is_small and value.dtype.kind == "i" else value.shape


def _key(form: Any) -> Any:
    return (form.shape, form.tobytes()) if type(form) is np.ndarray else form


def _executable(op: Op, tensors: Sequence[Any], forms: Sequence[Any]) -> Any:
    """Compiles an op of inputs that are known (arrays), variables, or of known shapes."""
    from penstock._src.compiler.compile import compile_graph  # loads LLVM

    name = op.op_type.removeprefix("_")  # that of our own ops, with which no node's name begins
    graph = FuncGraph(name, outer_graph=None)
    inputs = []
    with dispatch.building(graph):
        for tensor, form in zip(tensors, forms, strict=True):
            if type(form) is np.ndarray:
                inputs.append(graph.constant(form, tensor.dtype, "constant"))
                continue
            is_variable = tensor.dtype is dtypes.resource
            shape = SCALAR if is_variable else make_shape(form)
            placeholder = graph.placeholder(tensor.dtype, shape, "input")
            if is_variable:
                placeholder._handle_data = tensor._handle_data
            inputs.append(placeholder)
            graph.inputs.append(placeholder)
        try:
            node = graph.add(op, inputs, name)
        except ValueError as error:  # its shape rule refuses
            raise RefusedValue(str(error)) from error
    return compile_graph(graph, graph.inputs, node.outputs, [node])
