"""Steps whose programs come from a record, without lowering or planning: of a pack, or of what this user's processes have planned before.

A pack has programs by *section*: the operations of a function of a SavedModel's file, while the function is as it was imported. The kernel cache has them
by the content of a section (contents.py). Whatever else than results is asked of such a step (an error, a report, a profile) comes from the same section, lowered for the
same inputs.
"""

import hashlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialization import Specialization
from penstock._src.compiler.device import Stopped
from penstock._src.core.errors import InternalError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.control import bodies_of
from penstock._src.graph.operation import Operation
from penstock._src.util.dataclass import dataclass
from penstock._src.util.run_observers import RUN_OBSERVERS


def name_of(section: Section) -> str | None:
    """A name that no other section has, in any process that loads the same file; None if the graph is from no file, or was changed since.

    The functions that operations hold are of the same file, as imported: their names, which are among the attributes there, tell them.
    """
    if not section.ops or section.device is not None or section.why_host or section.values is None:
        return None
    graph = section.ops[0].graph
    origin = graph._origin
    # Passes put other operations in the place of some, under the same names.
    if origin is None or any(graph._by_name.get(op.name) is not op for op in section.ops):
        return None
    if not all(_is_as_imported(each, origin.model) for each in _graphs(graph, section.ops)):
        return None
    facts = (
        origin.model,
        origin.function,
        [op.name for op in section.ops],
        [t.name for t in section.inputs],
        [t.name for t in section.outputs],
        sorted(section.host),
        [t.name for t in section.inputs if t._id in section.constants],
        [t.name for t in section.inputs if t._id in section.for_host],
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def name_of_function(model: str, function: str) -> str:
    """The name of all that a function of a model's file computes, which its graph need not be imported for."""
    return hashlib.sha256(repr((model, function)).encode()).hexdigest()


def whole_function(section: Section) -> str | None:
    """The name of the function that a section with a name is; None if it is a part of one."""
    graph = section.ops[0].graph
    sides = (section.inputs, graph.inputs), (section.outputs, graph.outputs)
    is_whole = all([t._id for t in own] == [t._id for t in whole] for own, whole in sides)
    if not is_whole or section.host or section.values or section.constants or section.for_host:
        return None
    return name_of_function(graph._origin.model, graph._origin.function)


def _graphs(graph: Any, ops: Sequence[Operation]) -> Iterator[Any]:
    """A graph, and those of the functions that operations call, with what these call."""
    seen = {id(graph)}
    yield graph
    pending = [ops]
    while pending:
        for op in pending.pop():
            for function in bodies_of(op):
                if id(function.graph) not in seen:
                    seen.add(id(function.graph))
                    pending.append(function.graph._operations)
                    yield function.graph
                if function.stand_in is not None:
                    yield None


def _is_as_imported(graph: Any, model: str) -> bool:
    if graph is None or graph._origin is None or graph._origin.model != model:
        return False
    # Operations are only added or edited, so that both numbers grow with any change.
    return bool(graph._origin.state == (len(graph._operations), graph._edits))


@dataclass(eq=False)
class PlannedStep:
    """The only step of a block for inputs of given shapes: a program of a pack.

    specialize  lowers the block for inputs, and keeps the result in this step's place
    like        of each input: a reference to the variable's handle, or shape and dtype
    """

    specialize: Callable[[Sequence[Any]], Specialization]
    program: Any
    like: Sequence[Any]

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """Computes the results, or raises the error of the lowered section."""
        if not RUN_OBSERVERS:
            try:
                results: list[Any] = self.program.run(arguments)
                return results
            except Stopped as stopped:
                if stopped.end is not None:
                    self._fail(arguments, *stopped.end)
        return self.specialize(arguments).run(arguments)

    def direct_call(self) -> Any:
        """The call of the program as a builtin (`runtime/program.py`); None if it has none."""
        return self.program.direct_call(self._fail_directly)

    def _fail_directly(self, arguments: Sequence[Any], code: int, status: Any) -> None:
        try:
            self.program.fail(code, status)
        except Stopped as stopped:
            if stopped.end is not None:
                self._fail(arguments, *stopped.end)
        # Nothing was assigned: the section, lowered for these inputs, raises the error.
        self.specialize(arguments).run(arguments)
        raise InternalError(None, None, f"The program stopped with status {code}.")

    def _fail(self, arguments: Sequence[Any], code: int, status: Any) -> None:
        """Raises the error with which a run has stopped, by the lowered section, whose program has the same errors."""
        (step,) = self.specialize(arguments).steps
        # Codes are positions among a plan's errors: another list would give another message.
        if len(step.compiled.program.plan.errors) != self.program.shared.errors:
            raise InternalError(None, None, f"The program stopped with status {code}.")
        step.fail(arguments, code, status)

    def lowered(self) -> Specialization | None:
        """The lowered section for these inputs, which replaces this step; None if a variable no longer exists."""
        values = []
        for each in self.like:
            value = each() if isinstance(each, weakref.ref) else np.zeros(*each)
            if value is None:
                return None
            values.append(value)
        return self.specialize(values)


def like(value: Any) -> Any:
    """Properties of an input that a PlannedStep keeps."""
    if isinstance(value, VariableHandle):
        return weakref.ref(value)
    return value.shape, value.dtype
