"""A contraction with its operands as views, the input of products.py and convolutions.py."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Arg, Extent
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.compiler.kernels.views import View, view_of
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.node import Node
from penstock._src.native.language.types import BF16, F16, F32, OF_NUMPY
from penstock._src.util.dataclass import dataclass


class Numbering:
    """Run-time extents by number: equal expressions have one."""

    def __init__(self):
        self.values: list[int] = []
        self._known: dict[Any, Arg] = {}

    def __call__(self, x: int) -> Extent:
        if type(x) is not Dim:
            return int(x)
        if x.expr not in self._known:
            # By expression, so that kernels are equal wherever the same extents are.
            self._known[x.expr] = Arg(len(self.values))
            self.values.append(x)
        return self._known[x.expr]


@dataclass(frozen=True)
class Problem:
    """A contraction with its operands as views; letters of extent 1 are left out everywhere.

    `zeros` are subtracted from the elements of int8 operands, but not from elements outside of them.
    """

    left: View
    right: View
    letters: tuple[str, str, str]
    extents: dict[str, int]
    output_strides: dict[str, int]
    types: Types
    zeros: tuple[int, int] = (0, 0)

    def turned(self) -> "Problem":
        a, b, out = self.letters
        types = replace(self.types, left=self.types.right, right=self.types.left)
        return replace(
            self, left=self.right, right=self.left, letters=(b, a, out), types=types, zeros=self.zeros[::-1]
        )  # fmt: skip


def types_of(node: Node, args: Sequence[Node]) -> Types | None:
    """Element types of a contraction, or None for types without a kernel (complex numbers)."""
    # bool has no arithmetic, though it is a type of NumPy.
    names = [a.dtype.name for a in args]
    if not all(name in OF_NUMPY and name != "bool" for name in (*names, node.dtype.name)):
        return None
    left, right = (OF_NUMPY[name] for name in names)
    output = OF_NUMPY[node.dtype.name]
    # Halves are summed in float32: a long sum in their own type would lose its small addends.
    return Types(left, right, F32 if output in (BF16, F16) else output, output)


def problem_of(
    node: Node, args: Sequence[Node], is_source: Callable[[Node], bool], types: Types
) -> Problem:
    operands, out = node.attrs["spec"].replace(" ", "").split("->")
    left, right = operands.split(",")
    extents: dict[str, int] = {}
    for letters, arg in ((left, node.args[0]), (right, node.args[1])):
        for letter, extent in zip(letters, arg.shape, strict=True):
            extents[letter] = dims.merge(extents[letter], extent) if letter in extents else extent
    strides: dict[str, int] = {}
    stride: Any = 1
    for letter, extent in zip(reversed(out), reversed(node.shape), strict=True):
        if not is_one(extent):
            strides[letter] = stride
        stride = stride * extent
    first = view_of(args[0], left, extents, is_source)
    second = view_of(args[1], right, extents, is_source)
    kept = ["".join(c for c in s if not is_one(extents[c])) for s in (left, right, out)]
    return Problem(first, second, (kept[0], kept[1], kept[2]), extents, strides, types)
