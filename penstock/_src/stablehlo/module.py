"""A StableHLO module in memory: functions of blocks of operations in SSA form.

Operations carry StableHLO's names without the dialect ("add", "dot_general"), with "func", "call" and "return" from
the dialect of functions. Attributes are Python values: bool, int (of 64 bits), str, tuples, dicts, `Scalar` (a number
of another type), `Enum` (a word), `SymbolRef`, arrays (`Dense`), and types.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType

# The words of the enumerations, in the order of their numbers.
WORDS = {
    "comparison_direction": "EQ NE GE GT LE LT",
    "comparison_type": "NOTYPE FLOAT TOTALORDER SIGNED UNSIGNED",
    "custom_call_api_version": (
        "API_VERSION_UNSPECIFIED API_VERSION_ORIGINAL API_VERSION_STATUS_RETURNING "
        "API_VERSION_STATUS_RETURNING_UNIFIED API_VERSION_TYPED_FFI"
    ),
    "fft_type": "FFT IFFT RFFT IRFFT",
    "precision": "DEFAULT HIGH HIGHEST",
    "rng_algorithm": "DEFAULT THREE_FRY PHILOX",
    "rng_distribution": "INVALID UNIFORM NORMAL",
    "transpose": "TRANSPOSE_INVALID NO_TRANSPOSE TRANSPOSE ADJOINT",
    "result_accuracy_mode": "DEFAULT HIGHEST TOLERANCE",
}


@dataclass(frozen=True)
class TensorType:
    """A tensor's element type and shape; an extent is None where it is only known when the module runs."""

    shape: tuple[int | None, ...]
    dtype: DType
    bounds: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class FunctionType:
    """The types of a function's arguments and results."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class TupleType:
    """The type of a tuple."""

    elements: tuple[Any, ...]


@dataclass(frozen=True)
class OtherType:
    """A type without elements: "token", "none", "index", or a type known by name only."""

    name: str


@dataclass(frozen=True)
class Scalar:
    """A number of a type other than a 64-bit integer."""

    value: int | float
    dtype: DType


@dataclass(frozen=True)
class Enum:
    """A word of one of StableHLO's enumerations: `Enum("comparison_direction", "GT")`."""

    kind: str
    word: str


@dataclass(frozen=True)
class SymbolRef:
    """The name of a function."""

    name: str


@dataclass(frozen=True, eq=False)
class Dense:
    """A known array. `array` may be a read-only view that repeats one element."""

    type: TensorType
    array: np.ndarray


@dataclass(eq=False)
class HloValue:
    """A result of an operation (its owner), or an argument of a block."""

    type: Any
    owner: "HloOperation | None" = None


@dataclass(eq=False)
class HloOperation:
    """One operation. `location` is its source, for messages."""

    name: str
    operands: list[HloValue]
    results: list[HloValue]
    attributes: dict[str, Any]
    regions: "list[Region]" = field(default_factory=list)
    location: str = ""

    def attribute(self, name: str, default: Any = None) -> Any:
        """The value of an attribute; enumerations and numbers without their types."""
        value = self.attributes.get(name, default)
        return value.word if isinstance(value, Enum) else plain(value)


@dataclass(eq=False)
class HloBlock:
    """Operations in order; the last one returns."""

    arguments: list[HloValue] = field(default_factory=list)
    operations: list[HloOperation] = field(default_factory=list)


@dataclass(eq=False)
class Region:
    """The blocks of an operation's body; StableHLO's operations have one block in each region."""

    blocks: list[HloBlock] = field(default_factory=list)

    @property
    def block(self) -> HloBlock:
        """The block of a region that has one."""
        if len(self.blocks) != 1:
            raise ValueError(f"expected one block in a region. Received {len(self.blocks)}.")
        return self.blocks[0]


@dataclass(eq=False)
class HloModule:
    """Functions by their names. The one that is called is "main"."""

    functions: dict[str, HloOperation]
    attributes: dict[str, Any] = field(default_factory=dict)
    producer: str = ""

    @property
    def main(self) -> HloOperation:
        """The function that is called: "main", or the only one."""
        if "main" in self.functions:
            return self.functions["main"]
        if len(self.functions) == 1:
            return next(iter(self.functions.values()))
        raise ValueError(f"no function is named main among {sorted(self.functions)}.")

    def operations(self) -> Iterator[HloOperation]:
        """Every operation, nested ones too."""
        pending = list(self.functions.values())
        while pending:
            operation = pending.pop()
            yield operation
            for region in operation.regions:
                for block in region.blocks:
                    pending.extend(block.operations)


def plain(value: Any) -> Any:
    """An attribute as numbers and words: scalars and arrays without their types, symbols by name."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, SymbolRef):
        return value.name
    return value.array if isinstance(value, Dense) else value
