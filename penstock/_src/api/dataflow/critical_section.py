"""tf.CriticalSection: code that only one thread runs at a time."""

import threading
from typing import NamedTuple

from penstock._src.api.control.scopes import control_dependencies, no_op
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


class _Running(threading.local):
    sections: tuple = ()


_RUNNING = _Running()


@export("CriticalSection")
class CriticalSection:
    """A lock under which functions run, one at a time.

    Args:
      name: a name for the lock.
      shared_name: the name under which sessions share it.
      critical_section_def: not supported.
      import_scope: not supported.
    """

    def __init__(self, name=None, shared_name=None, critical_section_def=None, import_scope=None):
        if critical_section_def is not None:
            raise ValueError("Argument `critical_section_def` is not supported.")
        if import_scope is not None:
            raise ValueError("Argument `import_scope` is not supported.")
        self._name = name or "critical_section"
        # State common to all sections that share the lock.
        self._key = shared_name or id(self)
        self._handle = raw.MutexV2(shared_name=shared_name or "", name=self._name)

    name = read_only("_handle.op.name", "The name of the lock.")

    def execute(self, fn, exclusive_resource_access=True, name=None):
        """The results of `fn()`, run while no other function runs in this section.

        Args:
          fn: takes no arguments.
          exclusive_resource_access: whether no other section of the graph may use the variables of `fn`; without effect
            eagerly.
          name: a name for the operation.

        Returns:
          What `fn` returns.

        Raises:
          ValueError: called by a function that already runs in this section, or another section uses a variable of `fn`
            and one of both has `exclusive_resource_access`.
        """
        if self._key in _RUNNING.sections:
            raise ValueError(
                f"Attempting to lock a CriticalSection ({self._name}) in which we are already running. "
                "This is illegal and may cause deadlocks."
            )
        lock = raw.MutexLock(mutex=self._handle, name=name)
        graph = STATE.graph
        first = 0 if graph is None else len(graph._operations)
        before = _RUNNING.sections
        _RUNNING.sections = (*before, self._key)
        try:
            with control_dependencies([lock]):
                results = nest.map_structure(_as_tensor, fn())
        finally:
            _RUNNING.sections = before
            if graph is None:
                raw.ConsumeMutexLock(mutex_lock=lock)
        if graph is None:
            return results
        ops = graph._operations[first:]
        self._require_access(graph, ops, lock, exclusive_resource_access)
        lock.op._add_control_inputs(_made_before(lock.op, ops))
        leaves = [x for x in nest.flatten(results, expand_composites=True) if x is not None]
        with control_dependencies([lock, *leaves]):
            release = raw.ConsumeMutexLock(mutex_lock=lock)
        with control_dependencies([release]):
            return nest.map_structure(_after, results, expand_composites=True)

    def _require_access(self, graph, ops, lock, is_exclusive):
        """Raises ValueError if another section of the graph uses a resource that either wants for itself; notes what this one uses."""
        inputs = [t for op in ops for t in op._inputs if t.dtype == dtypes.resource]
        used = {t.ref() for t in inputs if t is not lock and t is not self._handle}
        executions = graph.get_collection_ref("critical_section_executions")
        for other in executions:
            shared = used & other.resources
            if other.key != self._key and shared and (is_exclusive or other.is_exclusive):
                raise ValueError(
                    f"This execution would access resources: {sorted(t.deref().name for t in shared)}. Either this lock "
                    f"(CriticalSection: {self._name}) or lock '{other.name}' requested exclusive resource access of "
                    "this resource. Did you mean to call execute with keyword argument "
                    "exclusive_resource_access=False?"
                )
        executions.append(_Execution(self._key, self._name, used, is_exclusive))


class _Execution(NamedTuple):
    """What a section uses in a graph."""

    key: object
    name: str
    resources: set  # references to tensors
    is_exclusive: bool


def _after(result):
    """A result that is there when the control dependencies have run."""
    if result is None:
        return None
    return raw.Identity(input=result) if is_tensor_like(result) else no_op()


def _made_before(lock, ops):
    """The operations made before the lock that these need.

    They must be done before the lock is taken, as they may want the same lock.
    """
    inside = {lock, *ops}
    needed = [o for op in ops for o in (*[t.op for t in op._inputs], *op._control_inputs)]
    return [op for op in dict.fromkeys(needed) if op not in inside]


def _as_tensor(x):
    if x is None or is_tensor_like(x) or hasattr(x, "_type_spec") or hasattr(x, "type"):
        return x
    return convert_to_tensor(x)
