"""Signatures of concrete functions, whatever the format that they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.executable import Executable
from penstock._src.core.shapes import TensorShape
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.control import changes_state, is_steady
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.ir.meaning.rows import ROWS, MixedRows
from penstock._src.proto.saved import SignatureDef
from penstock._src.saving.saved_model.constants import PREDICT_METHOD_NAME
from penstock._src.serving.servables.servable import (
    Proof,
    RowShapes,
    Shape,
    Signature,
    TensorInfo,
)
from penstock._src.util.lazy import ByName

# Imported when it is first called: it loads the front of the compiler, which functions of packs do without.
_PROVE = ByName("penstock._src.compiler.blocks.row_independence", "prove")


def extents(shape: TensorShape) -> Shape:
    """Returns a shape as a tuple."""
    return None if shape.rank is None else tuple(shape.as_list())


def runner(
    function: ConcreteFunction, results: Sequence[SymbolicTensor]
) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """Return a function of arrays that calls a function of tensors.

    Args:
      function: whose captured values stay.
      results: tensors of its graph, in the order in which they are to be returned.
    """
    at = {tensor._id: i for i, tensor in enumerate(function.outputs)}
    order = [at[tensor._id] for tensor in results]
    keeps_order = order == list(range(len(function.outputs)))
    captured = tuple(tensor._value for tensor in function.captured_inputs)
    run_all = function._function.executable.run

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        values = run_all([*arrays, *captured])
        return values if keeps_order else [values[i] for i in order]

    return run


def preparer(function: ConcreteFunction) -> Callable[[Sequence[np.ndarray]], bool]:
    """Return a function that makes the program for arrays of the shapes of those that it is given; see `Signature.prepare`."""
    captured = tuple(tensor._value for tensor in function.captured_inputs)
    executable: Any = function._function.executable
    is_compiled = type(executable) is Executable  # not on several devices, or interpreted

    def prepare(arrays: Sequence[np.ndarray]) -> bool:
        return is_compiled and executable.block.prepare([*arrays, *captured])  # type: ignore[no-any-return]

    return prepare


def prover(function: ConcreteFunction, count: int) -> Callable[[RowShapes, int], Proof]:
    """Return a function that proves that rows are independent; see `Signature.prove`.

    Args:
      function: of tensors.
      count: the number of its inputs that requests give, which come first.
    """
    types = [tensor.dtype.np for tensor in function.inputs[:count]]
    captured = [tensor._value for tensor in function.captured_inputs]

    def values(shapes: RowShapes) -> list[Any]:
        arrays = [
            np.broadcast_to(np.zeros((), dtype), (ROWS, *s)) for dtype, s in zip(types, shapes)
        ]
        return [*arrays, *captured]

    def prove(shapes: RowShapes, most: int) -> Proof:
        executable = function._function.executable
        if not isinstance(executable, Executable):
            raise MixedRows("control flow of TensorFlow 1 is not followed")
        proof = _PROVE(executable.block, values(shapes), count, most)
        return lambda others: proof.admits(values(others), most)

    return prove


def signature_of_function(
    name: str, function: ConcreteFunction, names: Sequence[str], results: Mapping[str, Any]
) -> Signature:
    """Returns the signature of a function that no message describes.

    Args:
      name: of the signature.
      function: of tensors.
      names: of its arguments.
      results: its tensors by name.
    """
    inputs = {
        key: TensorInfo(t.dtype, extents(t.shape), t.name)
        for key, t in zip(names, function.inputs[: len(names)], strict=True)
    }
    outputs = {key: TensorInfo(t.dtype, extents(t.shape), t.name) for key, t in results.items()}
    run = runner(function, list(results.values()))
    return Signature(
        name,
        PREDICT_METHOD_NAME,
        inputs,
        outputs,
        run,
        changes_state=changes_state(function.graph),
        is_steady=is_steady(function.graph),
        prove=prover(function, len(inputs)),
        prepare=preparer(function),
    )


def definition_of(signature: Signature) -> Any:
    """Returns the `SignatureDef` message of a signature."""
    message = SignatureDef(method_name=signature.method_name)
    for field, infos in ((message.inputs, signature.inputs), (message.outputs, signature.outputs)):
        for name, info in infos.items():
            entry = field[name]
            entry.name, entry.dtype = info.name, info.dtype.as_datatype_enum
            if info.shape is None:
                entry.tensor_shape.unknown_rank = True
            else:
                entry.tensor_shape.SetInParent()
                for extent in info.shape:
                    entry.tensor_shape.dim.add(size=-1 if extent is None else extent)
    return message
