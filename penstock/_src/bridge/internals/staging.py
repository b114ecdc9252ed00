"""Barriers and staging areas, which TensorFlow offers under its private names only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core import dtypes as types
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.signatures import read_only


class Barrier:
    """Tuples by key, which can be taken when all their components have been inserted."""

    def __init__(
        self,
        types: Any,
        shapes: Any = None,
        shared_name: str | None = None,
        name: str = "barrier",
    ) -> None:
        self._types = list(types) if isinstance(types, (list, tuple)) else [types]
        if shapes is None:
            self._shapes = [TensorShape(None) for _ in self._types]
            options = []
        else:
            options = self._shapes = _shapes_of(shapes, len(self._types), "Barrier")
        for i, shape in enumerate(options):
            if shape.num_elements() == 0:
                raise ValueError(
                    f"Empty tensors are not supported, but received shape '{shape}' at index {i}"
                )
        self._barrier_ref = raw.Barrier(
            component_types=self._types, shapes=options, shared_name=shared_name or "", name=name
        )
        symbolic = STATE.graph is not None
        self._name = self._barrier_ref.op.name.split("/")[-1] if symbolic else name

    barrier_ref = read_only("_barrier_ref", "The handle.")

    @property
    def name(self) -> str:
        """The name of the operation that made the barrier."""
        return self._name if STATE.graph is None else self._barrier_ref.op.name

    def insert_many(
        self, component_index: int, keys: Any, values: Any, name: str | None = None
    ) -> Any:
        """Sets a component of the tuples of some keys."""
        return raw.BarrierInsertMany(
            handle=self._barrier_ref,
            keys=keys,
            values=values,
            component_index=component_index,
            name=name or f"{self._name}_BarrierInsertMany",
        )

    def take_many(
        self,
        num_elements: Any,
        allow_small_batch: bool = False,
        timeout: int | None = None,
        name: str | None = None,
    ) -> Any:
        """Takes complete tuples: their numbers, keys and lists of components."""
        taken = raw.BarrierTakeMany(
            handle=self._barrier_ref,
            num_elements=num_elements,
            component_types=self._types,
            allow_small_batch=allow_small_batch,
            timeout_ms=-1 if timeout is None else timeout,
            name=name or f"{self._name}_BarrierTakeMany",
        )
        if STATE.graph is not None:
            rows = None if allow_small_batch else _known(num_elements)
            for output in taken[:2]:
                output.set_shape([rows])
            for output, shape in zip(taken[2], self._shapes):
                output.set_shape(TensorShape([rows]).concatenate(shape))
        return taken

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """Rejects new keys."""
        return raw.BarrierClose(
            handle=self._barrier_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=name or f"{self._name}_BarrierClose",
        )

    def ready_size(self, name: str | None = None) -> Any:
        """The number of complete tuples."""
        name = name or f"{self._name}_BarrierReadySize"
        return raw.BarrierReadySize(handle=self._barrier_ref, name=name)

    def incomplete_size(self, name: str | None = None) -> Any:
        """The number of incomplete tuples."""
        name = name or f"{self._name}_BarrierIncompleteSize"
        return raw.BarrierIncompleteSize(handle=self._barrier_ref, name=name)


def _known(number: Any) -> int | None:
    return number if isinstance(number, int) else None


def _shapes_of(shapes: Sequence[Any], count: int, owner: str) -> list[TensorShape]:
    if not isinstance(shapes, (list, tuple)) or count == 1 and len(shapes) != 1:
        shapes = [shapes]
    if len(shapes) != count:
        raise ValueError(f"{owner} shapes must be the same length as dtypes")
    return [TensorShape(shape) for shape in shapes]


class BaseStagingArea:
    """Base of the areas through which parts of a program pass tuples of tensors."""

    def __init__(
        self,
        dtypes: Sequence[Any],
        shapes: Sequence[Any] | None = None,
        names: Sequence[str] | None = None,
        shared_name: str | None = None,
        capacity: int = 0,
        memory_limit: int = 0,
    ) -> None:
        if shared_name is not None and not isinstance(shared_name, str):
            raise ValueError(f"shared_name must be a string, got {shared_name}")
        if names is not None and len(names) != len(dtypes):
            raise ValueError("StagingArea names must be the same length as dtypes")
        kind, graph = type(self).__name__, STATE.graph
        self._name = shared_name or (kind if graph is None else graph.unique_name(kind))
        self._dtypes = [types.as_dtype(dtype) for dtype in dtypes]
        self._shapes = (
            [TensorShape(None) for _ in dtypes]
            if shapes is None
            else _shapes_of(list(shapes), len(dtypes), "StagingArea")
        )
        self._names = names
        self._capacity, self._memory_limit = capacity, memory_limit

    name = read_only("_name", "The name, which operations of several graphs may share.")
    dtypes = read_only("_dtypes", "The types of the components.")
    shapes = read_only("_shapes", "The shapes of the components.")
    names = read_only("_names", "The names of the components, or None.")
    capacity = read_only("_capacity", "The greatest number of tuples; 0: no limit.")
    memory_limit = read_only("_memory_limit", "The greatest number of bytes; 0: no limit.")

    def _limits(self, default: str, name: str | None) -> dict[str, Any]:
        return {
            "shared_name": self._name,
            "capacity": self._capacity,
            "memory_limit": self._memory_limit,
            "name": name or f"{self._name}_{default}",
        }

    def _put(self, values: Any, indices: Sequence[int] | None) -> tuple[list[Any], Sequence[int]]:
        """The components as tensors, and which ones they are."""
        if isinstance(values, dict):
            if not self._names:
                raise ValueError("Staging areas must have names to enqueue a dictionary")
            if not set(values) <= set(self._names):
                raise ValueError(
                    "Keys in dictionary to put do not match names of staging area. "
                    f"Dictionary: {sorted(values)}Queue: {sorted(self._names)}"
                )
            indices = [i for i, name in enumerate(self._names) if name in values]
            values = [values[self._names[i]] for i in indices]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            if indices is None:
                raise ValueError("Indices must be supplied when inserting a list of tensors")
            if len(indices) != len(values):
                raise ValueError(
                    f"Number of indices {len(indices)} doesn't match number of values {len(values)}"
                )
        if len(values) > len(self._dtypes):
            raise ValueError(f"Unexpected number of inputs {len(values)} vs {len(self._dtypes)}")
        tensors = []
        for value, i in zip(values, indices):
            tensor = convert_to_tensor(value, name=f"component_{i}")
            if tensor.dtype != self._dtypes[i]:
                raise ValueError(
                    f"Datatypes do not match. Received val.dtype {tensor.dtype} and "
                    f"dtype {self._dtypes[i]}"
                )
            tensor.shape.assert_is_compatible_with(self._shapes[i])
            tensors.append(tensor)
        return tensors, indices

    def _got(self, tensors: Any, indices: Iterable[int]) -> Any:
        """Components with their shapes, by name if they have names."""
        values = tensors if isinstance(tensors, (list, tuple)) else [tensors]
        for tensor, i in zip(values, indices):
            tensor.set_shape(self._shapes[i])
        if self._names:
            return {self._names[i]: tensor for tensor, i in zip(values, indices)}
        return list(values)


class StagingArea(BaseStagingArea):
    """A queue of tuples."""

    def put(self, values: Any, name: str | None = None) -> Any:
        """Adds a tuple, waiting for space."""
        if not isinstance(values, (list, tuple, dict)):
            values = [values]
        with name_scope(name or f"{self._name}_put") as scope:
            tensors, _ = self._put(values, list(range(len(values))))
            return raw.Stage(values=tensors, **self._limits("put", scope))

    def get(self, name: str | None = None) -> Any:
        """Takes the oldest tuple, waiting for one."""
        taken = raw.Unstage(dtypes=self._dtypes, **self._limits("get", name))
        return self._got(taken, range(len(self._dtypes)))

    def peek(self, index: Any, name: str | None = None) -> Any:
        """The tuple at an index, waiting for it."""
        seen = raw.StagePeek(index=index, dtypes=self._dtypes, **self._limits("peek", name))
        return self._got(seen, range(len(self._dtypes)))

    def size(self, name: str | None = None) -> Any:
        """The number of tuples."""
        return raw.StageSize(dtypes=self._dtypes, **self._limits("size", name))

    def clear(self, name: str | None = None) -> Any:
        """Forgets all tuples."""
        return raw.StageClear(dtypes=self._dtypes, **self._limits("clear", name))


class MapStagingArea(BaseStagingArea):
    """Tuples by key."""

    def __init__(
        self,
        dtypes: Sequence[Any],
        shapes: Sequence[Any] | None = None,
        names: Sequence[str] | None = None,
        shared_name: str | None = None,
        ordered: bool = False,
        capacity: int = 0,
        memory_limit: int = 0,
    ) -> None:
        super().__init__(dtypes, shapes, names, shared_name, capacity, memory_limit)
        self._prefix = "OrderedMap" if ordered else "Map"

    def _call(self, op: str, default: str, name: str | None, **arguments: Any) -> Any:
        arguments.setdefault("dtypes", self._dtypes)
        return getattr(raw, self._prefix + op)(**arguments, **self._limits(default, name))

    def put(
        self, key: Any, vals: Any, indices: Sequence[int] | None = None, name: str | None = None
    ) -> Any:
        """Adds components of the tuple of a key."""
        with name_scope(name or f"{self._name}_put") as scope:
            tensors, indices = self._put(vals, indices)
            return self._call("Stage", "put", scope, key=key, indices=indices, values=tensors)

    def _selected(self, indices: Sequence[Any] | None) -> tuple[list[int], list[Any]]:
        """Indices of components, given by number or name, and their types."""
        if indices is None:
            indices = range(len(self._dtypes))
        elif not isinstance(indices, (tuple, list)):
            raise TypeError(f"Invalid indices type {type(indices)}")
        if not indices:
            raise ValueError("Empty indices")
        if all(isinstance(i, str) for i in indices):
            if self._names is None:
                raise ValueError(
                    f"String indices provided {indices}, but this Staging Area was not created with names."
                )
            if not set(indices) <= set(self._names):
                raise ValueError(f"Named index not in Staging Area names {self._names}")
            indices = [list(self._names).index(str(name)) for name in indices]
        elif not all(isinstance(i, int) for i in indices):
            raise TypeError(f"Mixed types in indices {indices}. May only be str or int")
        return list(indices), [self._dtypes[i] for i in indices]

    def peek(self, key: Any, indices: Any = None, name: str | None = None) -> Any:
        """Components of the tuple of a key, waiting for it."""
        at, dtypes = self._selected(indices)
        return self._got(self._call("Peek", "pop", name, key=key, indices=at, dtypes=dtypes), at)

    def get(self, key: Any = None, indices: Any = None, name: str | None = None) -> Any:
        """Takes components of the tuple of a key, or of some key; returns the key and them."""
        at, dtypes = self._selected(indices)
        if key is None:
            key, taken = self._call("UnstageNoKey", "get_nokey", name, indices=at, dtypes=dtypes)
        else:
            taken = self._call("Unstage", "get", name, key=key, indices=at, dtypes=dtypes)
        return key, self._got(taken, at)

    def size(self, name: str | None = None) -> Any:
        """The number of complete tuples."""
        return self._call("Size", "size", name)

    def incomplete_size(self, name: str | None = None) -> Any:
        """The number of incomplete tuples."""
        return self._call("IncompleteSize", "incomplete_size", name)

    def clear(self, name: str | None = None) -> Any:
        """Forgets all tuples."""
        return self._call("Clear", "clear", name)
