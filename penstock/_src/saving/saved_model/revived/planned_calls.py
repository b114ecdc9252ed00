"""Calls of a packed file's functions before these are imported.

A pack has plans of functions by their names. For a call of plain tensors these, and what the file says of the function's types, are enough. Whatever
else is asked of a function imports its graph: gradients, calls in graphs, observers, other arguments, errors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.recorded.planned_function import PlannedFunction, Unplanned
from penstock._src.compiler.executable import Executable
from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.structured_values import decode
from penstock._src.graph.library import GraphFunction
from penstock._src.native.cache.packs import Pack
from penstock._src.util import nest, slots
from penstock._src.util.run_observers import RUN_OBSERVERS


class PlannedCalls:
    """The calls of a function that its pack can answer.

    Args:
      definition: the FunctionDef.
      saved: the SavedConcreteFunction.
      captured: the tensors that it captures.
      pack: whose maker has loaded this very file.
      model: the digest of the file.
      keywords: the names that the function has for its inputs, if others than those of its signature.
    """

    def __init__(
        self,
        definition: Any,
        saved: Any,
        captured: Sequence[Any],
        pack: Pack,
        model: str,
        keywords: Sequence[str] | None,
    ) -> None:
        args, kwargs = decode(saved.canonicalized_input_signature)
        self.signature: tuple[tuple[Any, ...], dict[str, Any]] = tuple(args), dict(kwargs)
        # In a call by names these are the keys of the arguments, in the order of the inputs.
        names = [spec.name or "" for spec in specs_of(self.signature)]
        is_plain = not args and names == sorted(kwargs) and names == list(keywords or names)
        self.names = names if is_plain else None
        self.results = decode(saved.output_signature)
        function = definition.signature
        self.input_types = [dtypes.as_dtype(argument.type) for argument in function.input_arg]
        self.output_types = [dtypes.as_dtype(argument.type) for argument in function.output_arg]
        self.captured = [getattr(tensor, "_value", None) for tensor in captured]
        self._run = PlannedFunction(pack, model, function.name, self.input_types)

    @property
    def is_plain(self) -> bool:
        """True if the function takes and returns tensors of the types that its signature has, and captures variables."""
        arity = len(self.input_types) - len(self.captured)
        sides = (self.signature, self.input_types[:arity]), (self.results, self.output_types)
        return all(isinstance(value, VariableHandle) for value in self.captured) and all(
            [leaf.dtype if type(leaf) is TensorSpec else None for leaf in nest.flatten(structure)]
            == types
            for structure, types in sides
        )

    def bound(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any] | None:
        """The tensors of a call by names, or of the only one by position; None if they are not the function's, or other values."""
        names = self.names
        if names is None:
            return None
        if len(args) == len(names) == 1 and not kwargs:
            tensors = list(args)
        elif args or kwargs.keys() != set(names):
            return None
        else:
            tensors = [kwargs[name] for name in names]
        return tensors if self._are_taken(tensors) else None

    def _are_taken(self, tensors: Sequence[Any]) -> bool:
        return all(
            type(tensor) is EagerTensor
            and tensor.dtype is dtype
            and type(tensor._value) is np.ndarray
            for tensor, dtype in zip(tensors, self.input_types, strict=False)
        )

    def outputs(self, tensors: Sequence[Any]) -> list[Any] | None:
        """The values of the outputs for the tensors of the arguments; None if the function is needed for the call."""
        if STATE.graph is not None or STATE.tapes or STATE.accumulators or STATE.op_callbacks:
            return None
        if not self._are_taken(tensors):
            return None
        return self.values([tensor._value for tensor in tensors])

    def values(self, arrays: Sequence[np.ndarray]) -> list[Any] | None:
        """The values of the outputs for those of the arguments, which have the function's types; None if it is needed for the call."""
        if RUN_OBSERVERS or slots.RUN_FUNCTION is not None:
            return None
        if len(arrays) + len(self.captured) != len(self.input_types):
            return None
        try:
            return self._run([*arrays, *self.captured])
        except Unplanned:
            return None

    def prepare(self, arrays: Sequence[np.ndarray]) -> bool:
        """Loads the program for arrays of these shapes. Returns False if the pack has none."""
        try:
            return self._run.prepare([*arrays, *self.captured])
        except Unplanned:
            return False

    @property
    def is_steady(self) -> bool | None:
        """True if the time of calls depends on the shapes of arguments alone; None if the pack has no program for any call."""
        run = self._run
        plan = next(iter(run.records("", run.packed_plans)), None)
        return None if plan is None else plan.is_steady

    def hand_over(self, function: GraphFunction) -> None:
        """Gives the programs that ran to the imported function."""
        executable = function.executable if self._run.specializations else None
        if type(executable) is Executable:  # others run on several devices, or stop at lines
            self._run.hand_over(executable.block)

    def packed(self, outputs: Sequence[Any]) -> Any:
        """The structured result of the outputs."""
        tensors = list(map(EagerTensor, outputs, self.output_types))
        return nest.pack_sequence_as(self.results, tensors)


def specs_of(signature: Any) -> list[TensorSpec]:
    """The specs of the tensors of a structure, in order."""
    return [
        part
        for leaf in nest.flatten(signature)
        if isinstance(leaf, TypeSpec)
        for part in leaf.flatten()
    ]
