"""Maps from tensors to tensors, carried by ops like tensor lists."""

from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw


class TensorMap:
    """An immutable map on the host; keys are compared by dtype, shape and content."""

    __slots__ = ("items",)

    def __init__(self, items: dict[Any, tuple[Any, Any]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def zeros_like(self) -> "TensorMap":
        """Returns a map without keys."""
        return TensorMap({})

    def __add__(self, other: "TensorMap") -> "TensorMap":
        """Returns a map with the keys of both; values of the same key are added."""
        items = dict(self.items)
        for name, (key, value) in other.items.items():
            items[name] = (key, items[name][1] + value if name in items else value)
        return TensorMap(items)


def _key(value: Any) -> Any:
    content = tuple(value.ravel().tolist()) if value.dtype.hasobject else value.tobytes()
    return value.dtype.str, value.shape, content


def _held(value: Any, op: str) -> TensorMap:
    if not isinstance(value, TensorMap):
        raise InvalidArgumentError(
            f"{op}: Input handle is not a map. Saw: '{type(value).__name__}'"
        )
    return value


class EmptyTensorMap(Op):
    """A map without keys."""

    signature = "-> handle: variant[]"
    differentiable = False

    def eager(self):
        return TensorMap({})


class TensorMapSize(Op):
    """The number of keys."""

    signature = "input_handle: variant -> size: int32[]"

    def eager(self, input_handle):
        return np.asarray(len(_held(input_handle, self.op_type)), np.int32)


class TensorMapInsert(Op):
    """The map with `value` at `key`."""

    signature = """input_handle: variant, key: key_dtype, value: value_dtype
        -> output_handle: variant[]"""

    def gradient(self, _input_handle, key, value, _output_handle, dmap):
        dtype = self.value_dtype
        # The gradient of a map may lack a key: it is zero there.
        zero = raw.TensorMapInsert(
            input_handle=raw.EmptyTensorMap(), key=key, value=raw.ZerosLike(x=value)
        )
        dmap = raw.AddN(inputs=[dmap, zero])
        dvalue = raw.TensorMapLookup(input_handle=dmap, key=key, value_dtype=dtype)
        rest = raw.TensorMapErase(input_handle=dmap, key=key, value_dtype=dtype)
        return rest, None, dvalue

    def eager(self, input_handle, key, value):
        items = dict(_held(input_handle, self.op_type).items)
        items[_key(key)] = (key, value)
        return TensorMap(items)


class TensorMapLookup(Op):
    """The value at `key`."""

    signature = "input_handle: variant, key: key_dtype -> value: value_dtype[...]"
    value_dtype: DType

    def gradient(self, _input_handle, key, _value, dvalue):
        dmap = raw.TensorMapInsert(input_handle=raw.EmptyTensorMap(), key=key, value=dvalue)
        return dmap, None

    def eager(self, input_handle, key):
        entry = _held(input_handle, self.op_type).items.get(_key(key))
        if entry is None:
            raise InvalidArgumentError("Trying to lookup non-existent key. Could not find key")
        return entry[1]


class TensorMapErase(Op):
    """The map without `key`."""

    signature = "input_handle: variant, key: key_dtype -> output_handle: variant[]"
    value_dtype: DType

    def gradient(self, _input_handle, _key_in, _output_handle, dmap):
        return dmap, None

    def eager(self, input_handle, key):
        items = dict(_held(input_handle, self.op_type).items)
        if items.pop(_key(key), None) is None:
            raise InvalidArgumentError("Trying to erase non-existent item. Could not find key")
        return TensorMap(items)


class TensorMapHasKey(Op):
    """Return a bool scalar: True if the map has a value at `key`."""

    signature = "input_handle: variant, key: key_dtype -> has_key: bool[]"

    def eager(self, input_handle, key):
        return np.asarray(_key(key) in _held(input_handle, self.op_type).items)


class TensorMapStackKeys(Op):
    """All keys, stacked."""

    signature = "input_handle: variant -> keys: key_dtype[...]"
    key_dtype: DType

    def eager(self, input_handle):
        entries = _held(input_handle, self.op_type).items
        if not entries:
            raise InvalidArgumentError("TensorMapStackKeys cannot be called on empty map.")
        keys = [key for key, _ in entries.values()]
        if any(key.dtype != self.key_dtype.as_numpy_dtype for key in keys):
            raise InvalidArgumentError("Key does not match requested dtype.")
        if any(key.shape != keys[0].shape for key in keys):
            raise InvalidArgumentError("Keys must all have the same shape.")
        return np.stack(keys)
