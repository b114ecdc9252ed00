"""Finds the trace for a call: exact lookup first, then traces with more general shapes."""

import weakref
from collections.abc import Sequence
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.retrace_reason import changes

# Of arguments, for which the trace is known: one that is for any shapes meets ever new ones.
MOST_SHAPES = 1 << 12


class ByInstance:
    """Values that belong to objects for as long as these live, by identity: functions may read different things of equal objects."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def get(self, instance: Any) -> Any:
        """Return the value of an object, None if it has none."""
        held = self._held.get(id(instance))
        return held[1] if held is not None and held[0]() is instance else None

    def setdefault(self, instance: Any, value: Any) -> Any:
        """Return the value of an object, the given one if it has none; nothing is stored for one without weak references."""
        number, entries = id(instance), self._held
        try:
            reference = weakref.ref(instance, lambda _: entries.pop(number, None))
        except TypeError:
            return value
        # One for all threads.
        return entries.setdefault(number, (reference, value))[1]


class TraceCache:
    """The traces of one tf.function, by the structure of the arguments, then by types and shapes."""

    def __init__(self, reduce_retracing: bool) -> None:
        self.reduce_retracing = reduce_retracing
        self.count = 0
        self._exact: dict[Any, ConcreteFunction] = {}
        self._by_structure: dict[Any, list[tuple[list[TensorSpec], ConcreteFunction]]] = {}
        self._last: Any = None  # the structure and the specs of the newest trace

    def lookup(self, structure: Any, leaves: Sequence[Any]) -> ConcreteFunction | None:
        """Returns the most specific trace that accepts these arguments."""
        structure = self._with_context(structure)
        key = (structure, tuple(map(_type, leaves)))
        exact = self._exact.get(key)
        if exact is not None:
            return exact
        entries: Sequence[Any] = self._by_structure.get(structure, ())
        if not entries and self.reduce_retracing:
            # A list: another thread may add a trace meanwhile.
            known = list(self._by_structure.items())
            general = [traces for key, traces in known if merged(key, structure) == key]
            entries = [entry for traces in general for entry in traces]
        serving = [
            entry
            for entry in entries
            if all(_serves(spec, leaf) for spec, leaf in zip(entry[0], leaves, strict=True))
        ]
        if not serving:
            return None
        best = serving[0]
        for entry in serving[1:]:
            if all(_serves(general, spec) for general, spec in zip(best[0], entry[0], strict=True)):
                best = entry
        if len(self._exact) >= MOST_SHAPES:
            self._exact.clear()
        self._exact[key] = best[1]
        return best[1]

    def generalized(self, structure: Any, specs: list[TensorSpec]) -> tuple[Any, list[TensorSpec]]:
        """Returns the arguments to trace with; with `reduce_retracing`, general enough for earlier calls too."""
        if not self.reduce_retracing:
            return structure, specs
        for known, entries in self._by_structure.items():
            joint = merged(known, self._with_context(structure))
            if joint is None:
                continue
            for earlier, _ in entries:
                both = [
                    general
                    for spec, other in zip(specs, earlier, strict=True)
                    if (general := spec.most_specific_common_supertype([other])) is not None
                    and spec.name in (None, other.name)
                ]
                if len(both) == len(specs):
                    structure, specs = joint[0], both
        return structure, specs

    def add(
        self,
        structure: Any,
        specs: list[TensorSpec],
        leaves: Sequence[Any],
        concrete: ConcreteFunction,
    ) -> None:
        """Adds a trace for this signature."""
        structure = self._with_context(structure)
        key = (structure, tuple(map(_type, leaves)))
        self._exact[key] = concrete
        self._by_structure.setdefault(structure, []).append((specs, concrete))
        self._last = structure[0], specs
        self.count += 1

    def count_initial(self) -> None:
        """Counts the trace in which the function created its variables; another trace replaces it for later calls."""
        self.count += 1

    def reason(self, structure: Any, specs: Sequence[TensorSpec]) -> str:
        """Returns the reason why no trace accepts these arguments: the parameters that changed since the last trace, and the remedy."""
        if self._last is None:
            return "first call"
        return changes(self._last, (structure, specs)) or "another graph or replica"

    def concrete_functions(self) -> list[ConcreteFunction]:
        """Returns all traces."""
        every = list(self._by_structure.values())  # another thread may add a trace meanwhile
        return [concrete for entries in every for _, concrete in entries]

    def traces_in_contexts(self) -> list[tuple[Any, ConcreteFunction]]:
        """Returns (the `STATE.trace_context` in which it was made, a trace) of all traces."""
        structures = list(self._by_structure.items())
        return [(key[1], concrete) for key, entries in structures for _, concrete in entries]

    def _with_context(self, structure: Any) -> Any:
        """Adds the replica and, for TensorFlow 1, the graph: a trace is valid for these only."""
        graph = STATE.graph
        while graph is not None and graph.building_function:
            graph = graph.enclosing
        return structure, STATE.trace_context, None if graph is None else id(graph)


def merged(a: Any, b: Any) -> Any:
    """Returns the common supertype of two structures that differ only in composite types, or None."""
    if not isinstance(a, tuple) or not isinstance(b, tuple):
        return a if a == b else None
    if len(a) != len(b):
        return None
    if len(a) == 2 and a[0] == b[0] == "composite":
        spec = a[1] if a[1] == b[1] else a[1].most_specific_common_supertype([b[1]])
        return None if spec is None else ("composite", spec)
    parts = []
    for x, y in zip(a, b, strict=True):
        part = x if x is y else merged(x, y)
        if part is None and x is not y:
            return None
        parts.append(part)
    return tuple(parts)


def _name(leaf: Any) -> str | None:
    """The name that a spec asks for: the argument's in a signature. Tensors ask for none."""
    return leaf.name if isinstance(leaf, TensorSpec) else None


def _type(leaf: Any) -> tuple[Any, ...]:
    return leaf.dtype, leaf.shape._dims, _name(leaf)


def _serves(general: Any, leaf: Any) -> bool:
    """True if a trace for the spec `general` can be called with `leaf`, a tensor or spec."""
    if general.dtype is not leaf.dtype or _name(leaf) not in (None, general.name):
        return False
    wanted, shape = general.shape._dims, leaf.shape._dims
    if wanted is None or wanted == shape:
        return True
    if shape is None or len(shape) != len(wanted):
        return False
    return all(w is None or w == s for w, s in zip(wanted, shape, strict=True))
