"""Blocks: what is executed as a whole, as a short list of steps.

A Block is a set of operations with inputs and outputs. When it meets inputs of new shapes it makes a Specialization:

    1. operations that only the host can run, and that are ready, become HostSteps
    2. of the others, all that can be lowered without waiting for the host become one program: a ProgramStep
    3. what is left, now that these have run, is a Block again: a BlockStep, specialized when it is reached, so that
       the shapes and values that came from the host are known by then

So a graph that lowers whole is one program, and one with k host operations in a row of dependencies at most k + 1.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.blocks.inputs import ARRAY, HANDLE, element_shape, input_kinds
from penstock._src.compiler.blocks.specialize import Specialization, specialize
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ops.control.list_value import TensorList
from penstock._src.util import collector

# Specializations kept per block; the oldest goes first.
MOST_SPECIALIZATIONS = 64
# Values (rather than shapes) that a block is specialized for before its operations go to the host instead.
MOST_VALUES = 24


class Block:
    """Operations executed as a whole.

    `host`: why operations known not to lower here do not. `states`: what stateful kernels remember (kernel_state.py).
    `values`: inputs for whose values it is specialized. `constants`: ids of those that are constants of the graph.
    """

    def __init__(
        self,
        name: str,
        ops: Sequence[Operation],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        host: dict[str, str],
        states: dict[Any, Any],
        values: Sequence[int] = (),
        constants: frozenset[int] = frozenset(),
    ) -> None:
        self.name, self.ops = name, list(ops)
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.host, self.states = host, states
        self.constants = constants
        self.kinds = input_kinds(self.inputs)
        self.arrays = [i for i, kind in enumerate(self.kinds) if kind == ARRAY]
        self.handles = [i for i, kind in enumerate(self.kinds) if kind == HANDLE]
        self.others = [i for i, kind in enumerate(self.kinds) if kind not in (ARRAY, HANDLE)]
        self.last: tuple[list[int], Any] = (
            [],
            None,
        )  # ids of the handles of the last call, aliases
        self.value_positions: list[int] = list(values)  # inputs whose values are part of the key
        self.by_value = True
        self.needed: Callable[[], list[Operation]] | None = None  # gives `ops` anew
        self.why_host = ""  # why all operations run on the host, if they do
        self.specializations: dict[Any, Specialization] = {}
        # What keys consist of may change while one is made: another thread must not file its own under the new form.
        self.changing = threading.RLock()

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Executes the operations for these inputs."""
        found = self.specializations.get(self.key(values))
        if found is None:
            with self.changing:
                found = self.specializations.get(self.key(values)) or self.specialize(values)
        return found.run(values)

    def key(self, values: Sequence[Any]) -> Any:
        """What a specialization depends on: shapes, and those values that a lowering asked for."""
        shapes = tuple([values[i].shape for i in self.arrays])
        if not self.handles and not self.others and not self.value_positions:
            return shapes
        handles = [values[i] for i in self.handles]
        ids, alias = list(map(id, handles)), self.last
        if ids != alias[0]:  # mostly the same variables come again
            alias = self.last = ids, aliases(ids)
        try:
            held = tuple([handle.value.shape for handle in handles])
        except AttributeError:  # one has no value yet, or is not known yet to be of no variable
            held = tuple([getattr(getattr(h, "value", None), "shape", None) for h in handles])
        if not self.others and not self.value_positions:
            return shapes, held, alias[1]
        rest = tuple([other_key(values[i]) for i in self.others])
        known = tuple([values[i].tobytes() for i in self.value_positions])
        return shapes, held, rest, known, alias[1]

    def operations(self) -> list[Operation]:
        """The operations: those of a whole graph as they are by now."""
        return self.ops if self.needed is None else self.needed()

    @collector.paused()
    def specialize(self, values: Sequence[Any]) -> Specialization:
        """Makes and keeps the specialization for these inputs."""
        self.ops = self.operations()
        self.tell_variables(values)
        while True:
            made, wanted = specialize(self, values)
            if made is not None:
                break
            self.value_positions = sorted({*self.value_positions, *wanted})
            self.specializations.clear()  # keys have another form now
        if len(self.specializations) >= MOST_SPECIALIZATIONS:
            del self.specializations[next(iter(self.specializations))]
        self.specializations[self.key(values)] = made
        if self.value_positions and len(self.specializations) > MOST_VALUES:
            self.by_value, self.value_positions = False, []
            self.specializations.clear()
        return made

    def tell_variables(self, values: Sequence[Any]) -> None:
        """Takes handles that are of no variables, such as an iterator's, for what they are in keys."""
        strange = [i for i in self.handles if type(values[i]) is not VariableHandle]
        if strange:
            self.handles = [i for i in self.handles if i not in strange]
            self.others += strange
            self.specializations.clear()  # keys have another form now


def other_key(value: Any) -> Any:
    """The part of the key that an input other than an array adds."""
    # a table or iterator adds its class only: it stays on the host
    if type(value) is VariableHandle:
        held = value.value
        return id(value), None if held is None else held.shape
    if isinstance(value, TensorList):
        return len(value), value.dtype, element_shape(value)
    return type(value)


def aliases(ids: Sequence[int]) -> Any:
    """Which of the handles are one object, if any are: a variable may be passed twice."""
    seen: dict[int, int] = {}
    for i, each in enumerate(ids):
        seen.setdefault(each, i)
    return None if len(seen) == len(ids) else tuple([seen[each] for each in ids])
