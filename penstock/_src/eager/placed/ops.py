"""Runs eager ops on a device: each is a compiled graph of this one op, kept by the shapes and types of its inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op, flatten_arguments
from penstock._src.core.shapes import SCALAR, make_shape
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.accelerator import accelerator
from penstock._src.eager.compiled import MOST_KEPT, SMALL
from penstock._src.eager.execute import run
from penstock._src.eager.placed.tensor import held_value, tensor_there
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.func_graph import FuncGraph

_KEPT: dict[Any, Any] = {}


def run_on_device(op: Op, tensors: Sequence[Any], number: int) -> list[EagerTensor]:
    """Runs an op on a GPU; its results stay there.

    Args:
      op: has a lowering.
      tensors: its inputs, flat.
      number: of the GPU.
    """
    values = [held_value(tensor) for tensor in tensors]
    forms = [_form(tensor, value) for tensor, value in zip(tensors, values, strict=True)]
    key = (id(op), number, *[_key(form) for form in forms], *[t.dtype._enum for t in tensors])
    found = _KEPT.get(key)
    if found is None:
        try:
            executable = _executable(op, tensors, forms)
        except RefusedValue:
            return run(op, list(tensors))  # which says what is wrong with the values
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        found = _KEPT[key] = op, executable  # the op stays alive, so that its id stays taken
    given = [v for v, form in zip(values, forms) if type(form) is not np.ndarray]
    results = [moved(value, number) for value in found[1].run_there(given, number)]
    types = flatten_arguments(op.output_dtypes)
    return [tensor_there(v, dtype, number) for v, dtype in zip(results, types, strict=True)]


def moved(value: Any, number: int) -> Any:
    """A result on the device that it is for, as an input may have been passed on."""
    if type(value) is not DeviceArray or value.device == number:
        return value
    card = accelerator(number)
    assert card is not None
    with resources.UPDATING, card.lock:
        card.activate()
        memory = card.memory_of(value)
    return DeviceArray(value.shape, value.dtype, number, memory, value.host)


def _form(tensor: Any, value: Any) -> Any:
    """What the graph of an op knows of an input: small integers of the host are constants, of others it knows the shape."""
    if isinstance(value, VariableHandle):
        return VariableHandle, tuple(
            value.shape.as_list()
        ) if value.shape.rank is not None else None
    is_small = type(value) is np.ndarray and value.ndim <= 1 and value.size <= SMALL
    return value if is_small and value.dtype.kind == "i" else value.shape


def _key(form: Any) -> Any:
    return (form.shape, form.tobytes()) if type(form) is np.ndarray else form


def _executable(op: Op, tensors: Sequence[Any], forms: Sequence[Any]) -> Any:
    """Compiles an op of inputs that are known (arrays), variables, or of known shapes."""
    from penstock._src.compiler.compile import compile_graph  # loads LLVM

    graph = FuncGraph(op.op_type, outer_graph=None)
    inputs = []
    with dispatch.building(graph):
        for tensor, form in zip(tensors, forms, strict=True):
            if type(form) is np.ndarray:
                inputs.append(graph.constant(form, tensor.dtype, "constant"))
                continue
            is_variable = tensor.dtype is dtypes.resource
            shape = SCALAR if is_variable else make_shape(form)
            made = graph.placeholder(tensor.dtype, shape, "input")
            if is_variable:
                made._handle_data = tensor._handle_data
            inputs.append(made)
            graph.inputs.append(made)
        try:
            node = graph.add(op, inputs, op.op_type)
        except ValueError as error:  # its shape rule refuses
            raise RefusedValue(str(error)) from error
    return compile_graph(graph, graph.inputs, node.outputs, [node])
