"""Writer: the lines of one StableHLO region, and the values that its operations define."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.stablehlo import mlir_types

# Dtypes of MLIR that programs here do not have.
_WITHOUT = {"int4", "uint4", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"}


@dataclass(frozen=True)
class Value:
    """An SSA value: its name, shape and dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: DType

    @property
    def type(self) -> str:
        """The value's MLIR type: `tensor<2x3xf32>`."""
        return tensor_type(self.shape, self.dtype)


def tensor_type(shape: Sequence[int], dtype: DType) -> str:
    """The MLIR type of a tensor.

    Raises:
      UnimplementedError: StableHLO has no such element type.
    """
    element = mlir_types.NAMES.get(dtype.name)
    if element is None or dtype.name in _WITHOUT:
        raise UnimplementedError(None, None, f"StableHLO: no element type for {dtype.name}.")
    return f"tensor<{''.join(f'{int(n)}x' for n in shape)}{element}>"


def integers(values: Iterable[Any]) -> str:
    """An attribute of integers: `array<i64: 1, 2>`."""
    listed = ", ".join(str(int(v)) for v in values)
    return f"array<i64: {listed}>" if listed else "array<i64>"


Region = Callable[["Writer", list[Value]], Sequence[Value]]


class Writer:
    """Writes operations into one region, in MLIR's generic form."""

    def __init__(
        self, indent: int = 2, serials: Iterator[int] | None = None, is_checked: bool = False
    ) -> None:
        self.lines: list[str] = []
        self.indent = indent
        self.serials = serials or itertools.count()
        self.is_checked, self.is_region = is_checked, serials is not None
        self.conditions: list[Value] = []  # that must hold, of a module that is checked

    def check(self, what: str, holds: Value) -> None:
        """Adds a condition, an array of bools, to those of a module that is checked.

        Raises:
          UnimplementedError: the place is in a loop or branch, which conditions do not leave.
        """
        if self.is_region:
            raise UnimplementedError(
                None, None, f"StableHLO: {what} in a loop or branch, whose indices are checked."
            )
        self.conditions.append(holds)

    def value(self, shape: Sequence[int], dtype: DType, prefix: str = "") -> Value:
        """A value with a new name."""
        return Value(f"%{prefix}{next(self.serials)}", tuple([int(n) for n in shape]), dtype)

    def op(
        self,
        name: str,
        args: Sequence[Value],
        shape: Sequence[int],
        dtype: DType,
        attrs: str = "",
        regions: Sequence[str] = (),
    ) -> Value:
        """Writes an operation of one result; a name without a dialect is StableHLO's."""
        return self.op_of_many(name, args, [(shape, dtype)], attrs, regions)[0]

    def op_of_many(
        self,
        name: str,
        args: Sequence[Value],
        results: Sequence[tuple[Sequence[int], DType]],
        attrs: str = "",
        regions: Sequence[str] = (),
    ) -> list[Value]:
        """Writes an operation of any number of results."""
        values = [self.value(shape, dtype, "r") for shape, dtype in results]
        name = name if "." in name else f"stablehlo.{name}"
        region_text = f" ({', '.join(regions)})" if regions else ""
        self.lines.append(
            f"{' ' * self.indent}{', '.join(v.name for v in values)}{' = ' if values else ''}"
            f'"{name}"({", ".join(a.name for a in args)}){region_text}{f" {{{attrs}}}" if attrs else ""}'
            f" : ({', '.join(a.type for a in args)}) -> ({', '.join(v.type for v in values)})"
        )
        return values

    def region(self, types: Sequence[tuple[Sequence[int], DType]], body: Region) -> str:
        """The text of a region: arguments of the given types, and the results of `body` for them."""
        inner = Writer(self.indent + 4, self.serials, self.is_checked)
        arguments = [inner.value(shape, dtype, "a") for shape, dtype in types]
        inner.op_of_many("stablehlo.return", body(inner, arguments), [])
        head = ", ".join(f"{a.name}: {a.type}" for a in arguments)
        margin = " " * (self.indent + 2)
        opening = [f"{margin}^bb0({head}):"] if arguments else []
        return "\n".join(["{", *opening, *inner.lines, f"{margin}}}"])

    def constant(self, array: Any, dtype: DType) -> Value:
        array = np.asarray(array).astype(dtype.np)
        same = array.size > 1 and bool((array.reshape(-1)[0] == array).all())
        if dtype == dtypes.bool_:
            flat = array.reshape(-1)[:1] if same else array.reshape(-1)
            text = str([bool(v) for v in flat]).lower()
            text = text[1:-1] if flat.size == 1 else self.nested(flat.reshape(array.shape))
        else:
            raw = array.reshape(-1)[:1] if same else np.ascontiguousarray(array)
            text = f'"0x{raw.tobytes().hex().upper()}"' if array.size else ""
        attribute = f"dense<{text}> : {tensor_type(array.shape, dtype)}"
        return self.op("constant", [], array.shape, dtype, f"value = {attribute}")

    @staticmethod
    def nested(array: np.ndarray) -> str:
        """Booleans as MLIR's nested lists; no text for none."""
        return str(array.tolist()).lower() if array.size else ""

    def iota(self, shape: Sequence[int], axis: int, dtype: DType) -> Value:
        """Each element's own index along an axis."""
        return self.op("iota", [], shape, dtype, f"iota_dimension = {int(axis)} : i64")

    def splat(self, number: Any, like: Value) -> Value:
        """A value's shape and dtype, filled with a number."""
        return self.constant(np.full(like.shape, number), like.dtype)

    def elementwise(self, name: str, *args: Value) -> Value:
        """An operation whose result has the last argument's shape and dtype."""
        return self.op(name, args, args[-1].shape, args[-1].dtype)

    def compare(self, direction: str, x: Value, y: Value) -> Value:
        """x against y: EQ, NE, LT, LE, GT or GE."""
        attrs = f"comparison_direction = #stablehlo<comparison_direction {direction}>"
        return self.op("compare", [x, y], x.shape, dtypes.bool_, attrs)

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        """x where the condition holds, else y."""
        return self.elementwise("select", condition, x, y)

    def convert(self, x: Value, dtype: DType) -> Value:
        """x in another dtype; itself if it has that one."""
        return x if x.dtype == dtype else self.op("convert", [x], x.shape, dtype)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        return self.op("reshape", [x], shape, x.dtype)

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """x with axis i of the result from axis perm[i]."""
        shape = [x.shape[axis] for axis in perm]
        return self.op("transpose", [x], shape, x.dtype, f"permutation = {integers(perm)}")

    def broadcast(self, x: Value, shape: Sequence[int], axes: Sequence[int] = ()) -> Value:
        """x with its axes at `axes` of a larger shape."""
        attrs = f"broadcast_dimensions = {integers(axes)}"
        return self.op("broadcast_in_dim", [x], shape, x.dtype, attrs)


WRITERS: dict[str, Callable[..., Any]] = {}


def writes(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers how a kind of node is written: `(writer, node, *args) -> Value`, or a list for several results."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for kind in kinds:
            WRITERS[kind] = function
        return function

    return register


def identity_of(op: str, dtype: DType) -> Any:
    """The identity of a reduction: 0 for a sum, the lowest number for a maximum."""
    if op in ("sum", "any"):
        return 0
    if op in ("prod", "all"):
        return 1
    if dtype.is_floating:
        return -math.inf if op == "max" else math.inf
    return dtype.min if op == "max" else dtype.max
