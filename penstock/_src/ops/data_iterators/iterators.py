"""Ops that make iterators over datasets and take their elements."""

import weakref
from typing import Any

from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Flow
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import shared
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.optional import OptionalValue
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data_iterators.components import of_types
from penstock._src.ops.data_iterators.handle import END, IteratorHandle


class _IteratorOp(Op):
    """Base of the ops that create an iterator."""

    signature = "-> handle: resource[]"
    flow = Flow(iteration="iterator")

    output_types: list[DType]
    output_shapes: list[TensorShape]


class AnonymousIteratorV3(_IteratorOp):
    """An iterator that lives as long as it is referenced."""

    def eager(self):
        return IteratorHandle()


class AnonymousIteratorV2(_IteratorOp):
    """An iterator and its deleter."""

    signature = "-> handle: resource[], deleter: variant[]"

    def eager(self):
        handle = IteratorHandle()
        return handle, handle


class IteratorV2(_IteratorOp):
    """An iterator with a name."""

    shared_name: str
    container: str

    def eager(self):
        name, container = self.shared_name, self.container

        def make() -> IteratorHandle:
            return IteratorHandle(name, container)

        return shared(IteratorHandle, container, name, make)


class OneShotIterator(_IteratorOp):
    """An iterator over the dataset that a function returns on first use."""

    dataset_factory: Function
    container: str = ""
    shared_name: str = ""

    def eager(self):
        def make() -> IteratorHandle:
            handle = IteratorHandle(self.shared_name, self.container)
            handle.start(bound(self.dataset_factory, [])()[0])
            return handle

        return shared(IteratorHandle, self.container, self.shared_name, make)


class MakeIterator(Op):
    """Begins an iteration over a dataset."""

    flow = Flow(iteration="begin")
    signature = "dataset: variant, iterator: resource -> "

    def eager(self, dataset, iterator):
        iterator.start(dataset)
        return ()


class DeleteIterator(Op):
    """Ends an iteration."""

    signature = "handle: resource, deleter: variant -> "

    def eager(self, handle, deleter):
        handle.close()
        return ()


class _GetNext(Op):
    """Base of the ops that take the next element."""

    signature = "iterator: resource -> components: *output_types[*output_shapes]"
    effects = Effects(may_end=True)
    flow = Flow(iteration="elements")
    minimum = {"output_types": 1, "output_shapes": 1}

    output_types: list[DType]
    output_shapes: list[TensorShape]
    # Loops over an iterator carry its handle, which needs no gradient.
    differentiable = False

    def eager(self, iterator):
        element = iterator.next()
        if element is None:
            raise OutOfRangeError(END)
        return of_types(self, element)


class IteratorGetNext(_GetNext):
    """The components of the next element."""


class IteratorGetNextSync(_GetNext):
    """The components of the next element."""


class IteratorGetNextAsOptional(Op):
    """The next element, or none at the end."""

    flow = Flow(iteration="elements")
    signature = "iterator: resource -> optional: variant[]"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    differentiable = False

    def eager(self, iterator):
        return OptionalValue(iterator.next())


class IteratorToStringHandle(Op):
    """The string handle of an iterator."""

    signature = "resource_handle: resource -> string_handle: string[]"

    def eager(self, resource_handle):
        name = f"iterator-{id(resource_handle)}"
        _NAMED[name] = resource_handle
        return name.encode()


class IteratorFromStringHandleV2(Op):
    """The iterator of a string handle."""

    signature = "string_handle: string -> resource_handle: resource[]"
    output_types: list[DType] = []
    output_shapes: list[TensorShape] = []

    def eager(self, string_handle):
        if string_handle.ndim:
            raise self.invalid("string_handle must be a scalar")
        name = string_handle[()].decode()
        handle = _NAMED.get(name)
        if handle is None:
            raise InvalidArgumentError(f"There is no iterator with the handle '{name}'.")
        if handle.dataset is not None:
            self._check(handle.dataset)
        return handle

    def _check(self, dataset: Pipeline) -> None:
        """Raises InvalidArgumentError unless elements of the dataset are of the types and shapes that are expected."""
        types = self.output_types
        if types and len(types) != len(dataset.types):
            raise InvalidArgumentError(
                f"Number of components does not match: expected {len(types)} types but got "
                f"{len(dataset.types)}."
            )
        for at, (wanted, actual) in enumerate(zip(types, dataset.types)):
            if wanted != actual:
                raise InvalidArgumentError(
                    f"Data type mismatch at component {at}: expected {wanted.name} but got {actual.name}."
                )
        for at, (shape, other) in enumerate(zip(self.output_shapes, dataset.shapes)):
            if not TensorShape(shape).is_compatible_with(other):
                raise InvalidArgumentError(
                    f"Incompatible shapes at component {at}: expected {shape} but got {other}."
                )


_NAMED: Any = weakref.WeakValueDictionary()
