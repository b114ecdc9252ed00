"""States of iterators as text and tensors, as checkpoints store them.

The text is JSON. A value without JSON form is an object with one member, whose name is its kind.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    DataLossError,
    OpError,
    UnimplementedError,
    exception_type_from_error_code,
)
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.batch import Elements, WindowElements
from penstock._src.ops.data.iteration.optional import OptionalValue
from penstock._src.ops.data.iteration.resume import Failure, NotResumable, State
from penstock._src.ops.sparse.variants import RaggedValue
from penstock._src.ops.tensor_proto import from_proto, to_proto

# The bytes of the largest array that is one TensorProto by default: protobuf reads messages of less than 2 GB.
LARGEST = 1 << 29


def encoded(state: State, largest: int = LARGEST) -> tuple[bytes, list[Any]]:
    """A state as text and the TensorProtos that it refers to.

    Args:
      state: of an iterator.
      largest: the bytes of the largest array that is one TensorProto; larger ones are several.

    Raises:
      NotResumable: it holds a value that cannot be written.
    """
    tensors: list[Any] = []
    return json.dumps(_Encoder(tensors, largest).encode(state)).encode(), tensors


def decoded(text: bytes, tensors: Sequence[Any]) -> State:
    """The state of a text and its TensorProtos.

    Raises:
      DataLossError: it is damaged.
    """
    try:
        return _Decoder(tensors).decode(json.loads(text))
    except (ValueError, LookupError, TypeError) as error:
        raise DataLossError(f"The state of an iterator is damaged: {error}") from error


class _Encoder:
    def __init__(self, tensors: list[Any], largest: int) -> None:
        self.tensors, self.largest = tensors, largest

    def encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list):
            return list(map(self.encode, value))
        name = _name_of(value)
        if name == "tensor" and value.dtype != object and value.nbytes > self.largest:
            return {"parts": [list(value.shape), self.encode(self.parts(value))]}
        if name in ("tensor", "bytes"):
            return {name: self.tensor(value)}
        if name not in _FORMS:
            raise NotResumable(f"A {name} cannot be saved.")
        return {name: list(map(self.encode, _FORMS[name][0](value)))}

    def parts(self, value: np.ndarray) -> list[np.ndarray]:
        """The elements of an array, in arrays of at most the largest size."""
        flat, count = value.reshape(-1), max(1, self.largest // value.itemsize)
        return [flat[at : at + count] for at in range(0, flat.size, count)]

    def tensor(self, value: Any) -> int:
        """The number of a new tensor with an array or bytes."""
        array = np.array(value, object if isinstance(value, bytes) else None)
        dtype = dtypes.string if array.dtype == object else dtypes.as_dtype(array.dtype)
        try:
            self.tensors.append(to_proto(array, dtype))
        except UnimplementedError as error:
            raise NotResumable(error.message) from error
        return len(self.tensors) - 1


def _name_of(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.dtype == object:
        is_text = all(isinstance(item, bytes) for item in value.ravel().tolist())
        return "tensor" if is_text else "objects"
    return "tensor" if isinstance(value, np.ndarray | np.generic) else type(value).__name__


class _Decoder:
    def __init__(self, tensors: Sequence[Any]) -> None:
        self.tensors = tensors

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return list(map(self.decode, value))
        if not isinstance(value, dict):
            return value
        ((name, content),) = value.items()
        if name in ("tensor", "bytes"):
            array = from_proto(self.tensors[content])
            return array if name == "tensor" else array.item()
        return _FORMS[name][1](*map(self.decode, content))


def _objects(shape: list[int], items: list[Any]) -> np.ndarray:
    objects = np.empty(len(items), object)
    for at, item in enumerate(items):
        objects[at] = item
    return objects.reshape(shape)


def _error(failure: Failure) -> list[Any]:
    error = failure.error
    if not isinstance(error, OpError):
        raise NotResumable(f"A {type(error).__name__} cannot be saved.")
    return [error.error_code, error.message]


def _failure(code: int, message: str) -> Failure:
    return Failure(exception_type_from_error_code(code)(None, None, message))


def _dataset(value: Elements) -> list[Any]:
    types = [dtype.name for dtype in value.types]
    shapes = [None if shape.rank is None else shape.as_list() for shape in value.shapes]
    return [value.elements, types, shapes]


def _elements(kind: type[Elements], elements: list[Any], types: Any, shapes: Any) -> Elements:
    return kind(elements, tuple(map(dtypes.as_dtype, types)), tuple(map(TensorShape, shapes)))


# {name of a type: (the parts of a value, the value made of parts)}
_FORMS: dict[str, tuple[Callable[[Any], Sequence[Any]], Callable[..., Any]]] = {
    "tuple": (list, lambda *items: items),
    "set": (list, lambda *items: set(items)),
    "dict": (lambda value: list(map(list, value.items())), lambda *pairs: dict(pairs)),
    "range": (lambda value: [value.start, value.stop, value.step], range),
    "parts": (list, lambda shape, parts: np.concatenate(parts).reshape(shape)),
    "objects": (lambda value: [list(value.shape), value.ravel().tolist()], _objects),
    "Failure": (_error, _failure),
    "OptionalValue": (lambda value: [value.components], OptionalValue),
    "RaggedValue": (lambda value: [list(value.splits), value.values], RaggedValue),
    "Elements": (_dataset, functools.partial(_elements, Elements)),
    "WindowElements": (_dataset, functools.partial(_elements, WindowElements)),
}
