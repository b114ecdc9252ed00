"""Barriers: tuples by key, which can be taken when all their components are present."""

import operator
import threading

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import AbortedError, CancelledError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.dataflow.queue_state import check_shared

FIRST = -(2**63)


class HostBarrier(Resource):
    """Partial tuples by key, and complete ones in order of their first insertion."""

    def __init__(self, types, shapes, name="", container=""):
        super().__init__(name, container)
        self.types, self.shapes = types, shapes
        self.partial, self.ready = {}, []
        self.inserted = 0
        self.closed = self.canceled = False
        self.changed = threading.Condition()


class Barrier(Op):
    """A barrier: a new one, or the one of that name."""

    signature = "-> handle: Ref(string)[]"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True

    def eager(self):
        def make():
            return HostBarrier(
                self.component_types, self.attrs["shapes"], self.shared_name, self.container
            )

        barrier = resources.shared(HostBarrier, self.container, self.shared_name, make)
        facts = [
            ("component types", barrier.types, self.component_types),
            ("component shapes", barrier.shapes, self.attrs["shapes"]),
        ]
        check_shared(self, "barrier", facts)
        return barrier


class _BarrierOp(Op):
    def barrier(self, handle):
        if not isinstance(handle, HostBarrier):
            raise self.invalid(f"expected the handle of a barrier. Received {handle!r}")
        return handle


class BarrierInsertMany(_BarrierOp):
    """Sets a component of the tuples of some keys."""

    signature = "handle: Ref(string), keys: string, values: T ->"
    extents = {"keys": "n", "values": "n, ..."}
    component_index: int

    def eager(self, handle, keys, values):
        barrier, at = self.barrier(handle), self.component_index
        if not 0 <= at < len(barrier.types):
            raise self.invalid(f"The component ID is out of range {at} > num_components")
        if values.size == 0 and keys.size:
            raise self.invalid(
                "Tensors with no elements are not supported.  Received shape: "
                f"{list(values.shape)} for component {at}"
            )
        with barrier.changed:
            if barrier.canceled:
                raise CancelledError(f"Barrier '{barrier.name or '0'}' is closed.")
            batch = FIRST + barrier.inserted  # of all keys that are new in this call
            if not barrier.partial.keys() >= set(keys.tolist()):
                barrier.inserted += 1
            for key, value in zip(keys.tolist(), values, strict=True):
                if barrier.closed and key not in barrier.partial:
                    raise CancelledError(f"Barrier is closed.  Key {key.decode()} can't be added.")
                if key not in barrier.partial:
                    barrier.partial[key] = (batch, {})
                number, parts = barrier.partial[key]
                if at in parts:
                    raise self.invalid(f"Key {key.decode()} already has a value for component {at}")
                parts[at] = value
                if len(parts) == len(barrier.types):
                    del barrier.partial[key]
                    row = [parts[i] for i in range(len(barrier.types))]
                    barrier.ready.append((number, key, row))
            barrier.ready.sort(key=operator.itemgetter(0))
            barrier.changed.notify_all()


class BarrierTakeMany(_BarrierOp):
    """Takes complete tuples: their numbers, keys and components."""

    effects = Effects(may_wait=True)
    signature = """handle: Ref(string), num_elements: int32
        -> indices: int64[?], keys: string[?], values: *component_types[...]"""
    component_types: list[DType]
    allow_small_batch: bool = False
    wait_for_incomplete: bool = False
    timeout_ms: int = -1

    def eager(self, handle, num_elements):
        barrier, count = self.barrier(handle), int(num_elements)
        with barrier.changed:
            if barrier.closed:  # no others will come
                available = len(barrier.ready)
                if self.allow_small_batch:
                    count = min(count, available)
                else:
                    available += len(barrier.partial)
                if available < max(count, 1):
                    raise self._insufficient(barrier, count, available)
            timeout = self.timeout_ms / 1000 if self.timeout_ms > 0 else None
            came = deadlines.wait_for(
                barrier.changed, lambda: self._settled(barrier, count), timeout
            )
            if not came:
                raise AbortedError("Timed out waiting for elements of a barrier.")
            if len(barrier.ready) < count:
                raise self._insufficient(barrier, count, len(barrier.ready))
            taken, barrier.ready = barrier.ready[:count], barrier.ready[count:]
        keys = np.empty(len(taken), object)
        keys[:] = [key for _, key, _ in taken]
        values = [np.stack([row[i] for _, _, row in taken]) for i in range(len(barrier.types))]
        return np.array([number for number, _, _ in taken], np.int64), keys, values

    @staticmethod
    def _insufficient(barrier, count, available):
        return OutOfRangeError(
            f"Barrier '{barrier.name or '0'}' is closed and has insufficient elements "
            f"(requested {count}, total size {available})"
        )

    @staticmethod
    def _settled(barrier, count):
        return len(barrier.ready) >= count or barrier.closed and not barrier.partial


class BarrierClose(_BarrierOp):
    """Rejects new keys and, with cancel_pending_enqueues, all inserts."""

    signature = "handle: Ref(string) ->"
    cancel_pending_enqueues: bool = False

    def eager(self, handle):
        barrier = self.barrier(handle)
        with barrier.changed:
            if barrier.closed and not self.cancel_pending_enqueues:
                raise CancelledError(f"Barrier '{barrier.name or '0'}' is already closed.")
            barrier.closed = True
            if self.cancel_pending_enqueues:
                barrier.canceled = True
                barrier.partial.clear()
            barrier.changed.notify_all()


class BarrierReadySize(_BarrierOp):
    """The number of complete tuples."""

    signature = "handle: Ref(string) -> size: int32[]"

    def eager(self, handle):
        return np.int32(len(self.barrier(handle).ready))


class BarrierIncompleteSize(_BarrierOp):
    """The number of incomplete tuples."""

    signature = "handle: Ref(string) -> size: int32[]"

    def eager(self, handle):
        return np.int32(len(self.barrier(handle).partial))
