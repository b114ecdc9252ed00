"""Iterators that distribute the elements of a dataset over devices, round-robin."""

import collections
import itertools
import threading
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import Resource, manager
from penstock._src.ops.data.pipeline import Element
from penstock._src.ops.data_iterators.components import of_types
from penstock._src.ops.data_iterators.handle import END, IteratorHandle
from penstock._src.ops.strings.elements import strings

_INCARNATIONS = itertools.count(1)
_NAMED: dict[bytes, "DealingHandle"] = {}


class DealingHandle(Resource):
    """One iteration shared by n readers: element i goes to reader i modulo n."""

    def __init__(self, readers: int, name: str = "", container: str = "") -> None:
        super().__init__(name, container)
        self.readers = readers
        self.incarnation = 0
        self._elements = IteratorHandle()
        self._waiting: list[collections.deque[Element]] = []
        self._turn = 0
        self._lock = threading.Lock()

    def start(self, dataset: Any) -> int:
        """Begins an iteration; returns its number."""
        with self._lock:
            self._elements.start(dataset)
            self._waiting = [collections.deque() for _ in range(self.readers)]
            self._turn, self.incarnation = 0, next(_INCARNATIONS)
            return self.incarnation

    def next(self, reader: int, incarnation: int) -> Element:
        """The next element of a reader.

        Raises:
          OutOfRangeError: there is none left.
          InvalidArgumentError: there is no such reader, or another iteration has begun.
        """
        if not 0 <= reader < self.readers:
            raise InvalidArgumentError(f"shard_num {reader} is not in [0, {self.readers})")
        with self._lock:
            if incarnation != self.incarnation:
                raise InvalidArgumentError(
                    f"Invalid incarnation id. Provided: {incarnation}; Expected: {self.incarnation}"
                )
            while not self._waiting[reader]:
                element = self._elements.next()
                if element is None:
                    raise OutOfRangeError(END)
                self._waiting[self._turn].append(element)
                self._turn = (self._turn + 1) % self.readers
            return self._waiting[reader].popleft()

    def close(self) -> None:
        """Ends the iteration."""
        self._elements.close()


class _Maker(Op):
    """Base of the ops that create such an iterator."""

    devices: list[str]
    output_types: list[DType]
    output_shapes: list[TensorShape]


class AnonymousMultiDeviceIteratorV3(_Maker):
    """An iterator for these devices."""

    signature = "-> handle: resource[]"

    def eager(self):
        return DealingHandle(len(self.devices))


class AnonymousMultiDeviceIterator(_Maker):
    """An iterator for these devices, and its deleter."""

    signature = "-> handle: resource[], deleter: variant[]"

    def eager(self):
        handle = DealingHandle(len(self.devices))
        return handle, handle


class MultiDeviceIterator(_Maker):
    """An iterator for these devices, with a name."""

    signature = "-> handle: resource[]"
    devices: list[str]
    shared_name: str
    container: str

    def eager(self):
        name, container = self.shared_name, self.container

        def make() -> DealingHandle:
            return DealingHandle(len(self.devices), name, container)

        return manager().get_or_create(DealingHandle, container, name, make) if name else make()


class MultiDeviceIteratorInit(Op):
    """Begins an iteration; returns its number."""

    signature = """dataset: variant, multi_device_iterator: resource, max_buffer_size: int64
        -> incarnation_id: int64[]"""

    def eager(self, dataset, multi_device_iterator, max_buffer_size):
        return np.int64(multi_device_iterator.start(dataset))


class MultiDeviceIteratorGetNextFromShard(Op):
    """The next element of one device."""

    signature = """multi_device_iterator: resource, shard_num: int32, incarnation_id: int64
        -> components: *output_types[*output_shapes]"""
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def eager(self, multi_device_iterator, shard_num, incarnation_id):
        return of_types(self, multi_device_iterator.next(int(shard_num), int(incarnation_id)))


class MultiDeviceIteratorToStringHandle(Op):
    """The string handle of an iterator."""

    signature = "multi_device_iterator: resource -> string_handle: string[]"

    def eager(self, multi_device_iterator):
        name = f"multi-device-iterator-{id(multi_device_iterator)}".encode()
        _NAMED[name] = multi_device_iterator
        return strings([name], ())


class MultiDeviceIteratorFromStringHandle(Op):
    """The iterator of a string handle."""

    signature = "string_handle: string -> multi_device_iterator: resource[]"
    output_types: list[DType] = []
    output_shapes: list[TensorShape] = []

    def eager(self, string_handle):
        name = np.asarray(string_handle).item()
        if name not in _NAMED:
            raise NotFoundError(f"There is no iterator {name.decode()!r}.")
        return _NAMED[name]


class DeleteMultiDeviceIterator(Op):
    """Ends an iteration."""

    signature = "multi_device_iterator: resource, iterators: N * resource, deleter: variant ->"

    def eager(self, multi_device_iterator, iterators, deleter):
        multi_device_iterator.close()
