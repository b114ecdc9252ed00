"""The variables of TensorFlow 1's optimizers: slots, which belong to a variable, and those that all variables share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.variable import Variable
from penstock._src.v1.variables.initializers import Constant, Ones, Zeros
from penstock._src.v1.variables.scopes import slot_scope


def free() -> Any:
    """A context for creating variables with initializers that do not depend on the step's control dependencies."""
    graph = STATE.graph
    return contextlib.nullcontext() if graph is None else graph.control_dependencies(None)


@contextlib.contextmanager
def beside(variable: Any) -> Iterator[None]:
    """A context for creating variables that live where another one does."""
    with (
        free(),
        STATE.graph.colocate_with(variable) if in_v1_graph() else contextlib.nullcontext(),
    ):
        yield


# How the slots' usual initial values are made.
_INITIALIZERS: dict[float, Any] = {0.0: Zeros(), 1.0: Ones()}


class OptimizerSlots(Trackable):
    """Makes, keeps and restores an optimizer's variables."""

    # Slot name -> its initial value, for every variable.
    _first_values: dict[str, float] = {}
    # Slot name -> the name of its variables, if that is not the optimizer's.
    _variable_names: dict[str, str] = {}

    def __init__(self, name: str) -> None:
        self._name = name
        self._slots: dict[str, dict[Any, Variable]] = {}
        # (name, id of the graph or None) -> what `_create_non_slot_variable` made
        self._non_slots: dict[tuple[str, int | None], Variable] = {}
        # restores of a checkpoint that wait for slots to be made
        self._waiting: dict[tuple[str, Any], list[Callable[[Variable], None]]] = {}

    def _slot(self, name: str, variable: Any) -> Variable:
        first = self._first_values[name]
        initializer = _INITIALIZERS.get(first) or Constant(first)
        shape, dtype = variable.shape.as_list(), variable.dtype.base_dtype
        made_by = self._variable_names.get(name, self._name)
        return self._made_slot(name, variable, made_by, lambda: initializer(shape, dtype=dtype))

    def _made_slot(self, name: str, variable: Any, op_name: str, first: Any) -> Variable:
        """Returns a slot, which is made from its first value if there is none yet."""
        slots = self._slot_dict(name)
        key = _var_key(variable)
        if key not in slots:
            full = f"{variable.name.split(':')[0]}/{op_name}"
            with beside(variable), slot_scope(full) as unique:
                slots[key] = Variable(first, trainable=False, name=unique)
            for restore in self._waiting.pop((name, key), ()):
                restore(slots[key])
        return slots[key]

    def _slot_dict(self, slot_name: str) -> dict[Any, Variable]:
        """Returns the slots of a name by variable, a dictionary that may be changed."""
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Variable:
        """Returns a slot, which begins with a tensor."""
        return self._made_slot(slot_name, var, op_name, val)

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Variable:
        """Returns a slot, which begins with what an initializer gives."""
        extents = TensorShape(shape).as_list()
        return self._made_slot(slot_name, var, op_name, lambda: initializer(extents, dtype=dtype))

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Variable:
        """Returns a slot, which begins with zeros of the variable's shape."""
        extents, dtype = var.shape.as_list(), var.dtype.base_dtype
        return self._made_slot(slot_name, var, op_name, lambda: Zeros()(extents, dtype=dtype))

    def _create_non_slot_variable(
        self, initial_value: Any, name: str, colocate_with: Any
    ) -> Variable:
        """Returns a variable that belongs to no other in particular; each graph has its own."""
        key = (name, _graph_key(colocate_with))
        if key not in self._non_slots:
            with beside(colocate_with):
                variable = Variable(initial_value, trainable=False, name=name)
            self._non_slots[key] = variable
            self._handle_deferred_dependencies(name, variable)
        return self._non_slots[key]

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        """Returns such a variable of a graph, or None; without a graph, that of eager code."""
        return self._non_slots.get((name, None if graph is None else id(graph)))

    def _non_slot_variables(self) -> list[Any]:
        """Returns the variables that belong to no other."""
        return [*self._non_slots.values()]

    def restore_slot(self, name: str, variable: Any, restore: Callable[[Variable], None]) -> None:
        """Calls `restore` with a slot, which eager code creates now; in graphs and under variable creators, once it is created."""
        if self.get_slot(variable, name) is not None:
            restore(self.get_slot(variable, name))
        elif STATE.graph is None and name in self._first_values and not STATE.variable_creators:
            restore(self._slot(name, variable))
        else:
            self._waiting.setdefault((name, variable.ref()), []).append(restore)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        own = {name: v for name, v in self._shared_variables().items() if is_here(v)}
        return {**super()._trackable_children(save_type, **kwargs), **own}

    def get_slot(self, var: Any, name: str) -> Any:
        """Returns the slot of a variable, or None."""
        return self._slots.get(name, {}).get(var.ref())

    def get_slot_names(self) -> list[str]:
        """Returns the names of the slots."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """Returns the optimizer's own variables in the current graph, or all in eager code."""
        slots = [v for by_variable in self._slots.values() for v in by_variable.values()]
        return sorted(
            filter(is_here, [*self._shared_variables().values(), *slots]), key=lambda v: v.name
        )

    def _shared_variables(self) -> dict[str, Any]:
        """The optimizer's variables that belong to no variable in particular, by their names in checkpoints."""
        return {name: v for (name, _), v in self._non_slots.items() if is_here(v)}


def is_here(variable: Any) -> bool:
    """True if a variable belongs to the current graph; in eager code every variable does."""
    graph = STATE.graph
    while graph is not None and graph.building_function:
        graph = graph.enclosing
    return graph is None or getattr(variable.handle, "graph", None) is graph


def _var_key(variable: Any) -> Any:
    return variable.ref()


def _graph_key(variable: Any) -> int | None:
    """The graph of a variable, as a key: None for that of eager code."""
    graph = getattr(variable.handle, "graph", None)
    return None if graph is None else id(graph)
