"""Staging areas and maps: named containers that pass tensors between parts of a program."""

import threading

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.op import Op
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.variants import variant

# As in TensorFlow, areas outside sessions live as long as the process.
_KEPT = resources.ResourceManager(keep=True)


class Place(Resource):
    """A staging area: tuples of host values, limited in number and bytes; blocks if full or empty."""

    def __init__(self, name, container, capacity, memory_limit):
        super().__init__(name, container)
        self.capacity, self.memory_limit = capacity, memory_limit
        self.changed = threading.Condition()
        self.items = []

    def fits(self, values):
        """True if there is space for these values."""
        if self.capacity and len(self.items) >= self.capacity:
            return False
        return not self.memory_limit or _bytes([*self.held(), *values]) <= self.memory_limit

    def require_space(self, values):
        """Raises ResourceExhaustedError for values that would not even fit into an empty area."""
        if self.memory_limit and _bytes(values) > self.memory_limit:
            raise ResourceExhaustedError(
                f"Attempted to insert tensors with combined size of '{_bytes(values)}' bytes into "
                f"Staging Area with a memory limit of '{self.memory_limit}'."
            )

    def held(self):
        """The values in it."""
        return [value for item in self.items for value in item]


def _bytes(values):
    return sum(np.asarray(value).nbytes for value in values)


class MapPlace(Place):
    """Partial and complete tuples by key."""

    def __init__(self, *args):
        super().__init__(*args)
        self.items, self.partial = {}, {}

    def held(self):
        """The values in it, also of incomplete tuples."""
        complete = [v for item in self.items.values() for v in item if v is not None]
        return complete + [v for item in self.partial.values() for v in item.values()]


class _PlaceOp(Op):
    """Base of the ops on a named area."""

    capacity: int = 0
    memory_limit: int = 0
    container: str = ""
    shared_name: str = ""

    minimum = {"capacity": 0, "memory_limit": 0}
    stateful = True
    kind = Place

    def place(self):
        name = self.shared_name or f"{self.kind.__name__}/{self.dtypes}"
        return resources.lasting(_KEPT).get_or_create(
            self.kind,
            self.container,
            name,
            lambda: self.kind(name, self.container, self.capacity, self.memory_limit),
        )


class Stage(_PlaceOp):
    """Adds a tuple, waiting for space."""

    effects = Effects(may_wait=True)
    signature = "values: *dtypes ->"

    def eager(self, values):
        place = self.place()
        place.require_space(values)
        with place.changed:
            deadlines.wait_for(place.changed, lambda: place.fits(values))
            place.items.append(tuple(values))
            place.changed.notify_all()


class _TypedPlaceOp(_PlaceOp):
    """Base of the ops with the dtypes of the tuples as an attribute."""

    dtypes: list[DType]

    def require_declared(self, values):
        """Raises InvalidArgumentError unless these values are as many and of the types declared."""
        if len(values) != len(self.dtypes):
            raise self.invalid(f"Mismatch stage/unstage: {len(values)} vs. {len(self.dtypes)}")
        for value, declared in zip(values, self.dtypes):
            if value.dtype != declared.np:
                actual = as_dtype(value.dtype).name
                raise self.invalid(f"Type mismatch: actual {actual} vs. expect {declared.name}")


class Unstage(_TypedPlaceOp):
    """Takes the oldest tuple, waiting for one."""

    effects = Effects(may_wait=True)
    signature = "-> values: *dtypes[...]"

    def eager(self):
        place = self.place()
        with place.changed:
            deadlines.wait_for(place.changed, lambda: place.items)
            self.require_declared(place.items[0])
            taken = place.items.pop(0)
            place.changed.notify_all()
            return list(taken)


class StagePeek(_TypedPlaceOp):
    """The tuple at an index, waiting for it."""

    effects = Effects(may_wait=True)
    signature = "index: int32 -> values: *dtypes[...]"

    def eager(self, index):
        place = self.place()
        if index.ndim:
            raise self.invalid("index must be scalar")
        if index < 0:
            raise self.invalid(f"index must not be negative, got {index}")
        with place.changed:
            deadlines.wait_for(place.changed, lambda: len(place.items) > index)
            self.require_declared(place.items[int(index)])
            return list(place.items[int(index)])


class StageSize(_TypedPlaceOp):
    """The number of tuples."""

    signature = "-> size: int32[]"

    def eager(self):
        return np.int32(len(self.place().items))


class StageClear(_TypedPlaceOp):
    """Forgets all tuples."""

    signature = "->"

    def eager(self):
        place = self.place()
        with place.changed:
            place.items.clear()
            place.changed.notify_all()


class _MapOp(_TypedPlaceOp):
    """Base of the ops on tuples by key."""

    kind = MapPlace

    def number(self, key):
        """The key as Python number."""
        if np.ndim(key):
            raise self.invalid("key must be an int64 scalar")
        return int(key)

    def components(self, place, key, indices, takes):
        """Components of a complete tuple, which goes when nothing is left of it."""
        parts = place.items[key]
        for i in indices.tolist():
            if not 0 <= i < len(parts):
                raise self.invalid(f"Index '{i}' is out of range.")
            if parts[i] is None:
                raise self.invalid(
                    f"Tensor at index '{i}' for key '{key}' has already been removed."
                )
        components = [parts[i] for i in indices.tolist()]
        self.require_declared(components)
        if takes:
            for i in indices.tolist():
                parts[i] = None
            if all(value is None for value in parts):
                del place.items[key]
            place.changed.notify_all()
        return components


class MapStage(_MapOp):
    """Adds components of the tuple of a key; it can be taken when it is complete."""

    effects = Effects(may_wait=True)
    signature = "key: int64, indices: int32, values: *fake_dtypes ->"

    def eager(self, key, indices, values):
        place, at = self.place(), self.number(key)
        if len(indices) != len(values):
            raise self.invalid("There must be as many indices as values.")
        with place.changed:
            if at in place.items:
                raise self.invalid(f"The key {at} is complete already.")
            place.require_space(values)
            deadlines.wait_for(
                place.changed,
                lambda: (
                    not place.memory_limit or _bytes([*place.held(), *values]) <= place.memory_limit
                ),
            )
            entry = place.partial.setdefault(at, {})
            for index, value in zip(indices.tolist(), values):
                if not 0 <= index < len(self.dtypes):
                    raise self.invalid(f"Index '{index}' is out of range.")
                if index in entry:
                    raise self.invalid(f"The tensor for index '{index}' was already inserted.")
                entry[index] = value
            if len(entry) == len(self.dtypes):
                deadlines.wait_for(place.changed, lambda: place.fits([]))
                del place.partial[at]
                place.items[at] = [entry[i] for i in range(len(self.dtypes))]
            place.changed.notify_all()


class MapPeek(_MapOp):
    """Components of the tuple of a key, waiting for it."""

    effects = Effects(may_wait=True)
    signature = "key: int64, indices: int32 -> values: *dtypes[...]"
    takes = False

    def eager(self, key, indices):
        place, at = self.place(), self.number(key)
        with place.changed:
            deadlines.wait_for(place.changed, lambda: at in place.items)
            return self.components(place, at, indices, self.takes)


class MapUnstage(MapPeek):
    """Takes components of the tuple of a key."""

    takes = True


class MapUnstageNoKey(_MapOp):
    """Takes components of the tuple of some key."""

    effects = Effects(may_wait=True)
    signature = "indices: int32 -> key: int64[], values: *dtypes[...]"

    def eager(self, indices):
        place = self.place()
        with place.changed:
            deadlines.wait_for(place.changed, lambda: place.items)
            key = self.chosen(place.items)
            return np.int64(key), self.components(place, key, indices, takes=True)

    def chosen(self, items):
        """The key that comes next."""
        return next(iter(items))


class MapSize(_TypedPlaceOp):
    """The number of complete tuples."""

    signature = "-> size: int32[]"
    kind = MapPlace

    def eager(self):
        return np.int32(len(self.place().items))


class MapIncompleteSize(_TypedPlaceOp):
    """The number of incomplete tuples."""

    signature = "-> size: int32[]"
    kind = MapPlace

    def eager(self):
        return np.int32(len(self.place().partial))


class MapClear(_TypedPlaceOp):
    """Forgets all tuples."""

    signature = "->"
    kind = MapPlace

    def eager(self):
        place = self.place()
        with place.changed:
            place.items.clear()
            place.partial.clear()
            place.changed.notify_all()


class OrderedPlace(MapPlace):
    """A map area with ordered keys."""


variant("OrderedMapStage", MapStage, kind=OrderedPlace)
variant("OrderedMapPeek", MapPeek, kind=OrderedPlace)
variant("OrderedMapUnstage", MapUnstage, kind=OrderedPlace)


class OrderedMapUnstageNoKey(MapUnstageNoKey):
    """Takes components of the tuple of the smallest key."""

    kind = OrderedPlace
    chosen = staticmethod(min)


variant("OrderedMapSize", MapSize, kind=OrderedPlace)
variant("OrderedMapIncompleteSize", MapIncompleteSize, kind=OrderedPlace)
variant("OrderedMapClear", MapClear, kind=OrderedPlace)
