"""A kind of node: how it is written, its shape rule, its meaning in NumPy, and what else is known of it without compiling it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.intervals import Range
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, State
from penstock._src.ir.node import Node, Shape

Args = Sequence[Node]
Attrs = Mapping[str, Any]
Result = tuple[Shape, DType]
Arrays = Sequence[Any]
Bounds = Callable[[Node], Range | None]

PRIMITIVES: "dict[str, Primitive]" = {}  # by kind


class Primitive:
    """A kind of node. A subclass with a `form` is one; its docstring says what a node's value is.

    form             kind(arguments; attributes), with "..." for any number of arguments
    kind, arity      as the form says; the arity is None for any number of arguments
    ops              the values of the attribute `op` of a family; None for other kinds
    is_elementwise   an element of the result is computed from the elements at its place
    is_movement      the result has elements of the argument at other places
    is_folded        a node of constants is computed when it is made
    """

    form: ClassVar[str]
    kind: ClassVar[str]
    arity: ClassVar[int | None]
    ops: ClassVar[frozenset[str] | None] = None
    is_elementwise: ClassVar[bool] = False
    is_movement: ClassVar[bool] = False
    is_folded: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        if "form" not in cls.__dict__:
            return
        cls.kind, _, rest = cls.form.partition("(")
        arguments = rest.partition(";")[0].rstrip(") ")
        cls.arity = None if "..." in arguments else len(arguments.split(",")) if arguments else 0
        PRIMITIVES[cls.kind] = cls()

    def infer(self, args: Args, attrs: Attrs) -> Result | list[Result]:
        """Shape and dtype of the result, or a list of them for a node with several.

        Raises MalformedFunction for arguments that the kind does not allow. The methods in build/ prepare arguments (they
        broadcast them, and give scalars a dtype), so such an error is a defect of the code that calls `make`.
        """
        raise NotImplementedError(self.kind)

    def evaluate(self, args: Arrays, node: Node) -> Any:
        """The value in NumPy, a list for a node with several results: the reference for all native code.

        Narrow floats (half, bfloat16, float8) are computed in float32 and rounded once. Movements also work on object arrays, in
        which the builder computes with shapes.
        """
        raise NotImplementedError(f"{self.kind} has no meaning outside of a function")

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        """The least and the largest number of the result, given those of the arguments; None if they are unknown, or NaN is possible."""
        return None

    def flops(self, node: Node) -> int:
        """Floating point operations; those of a loop's body count once a trip, as far as trips are known."""
        return 0

    def rows(self, flow: RowFlow, node: Node) -> State:
        """The axis of a batch's rows in the result, from those in the arguments (meaning/rows.py).

        Raises MixedRows if a part of the result may depend on several rows, on an index of a row, or on their number.
        """
        if self.is_elementwise:
            return flow.joined(map(flow.of, node.args))
        raise MixedRows(f"`{self.kind}` may combine rows")

    def require(self, condition: bool, message: str, args: Args = ()) -> None:
        """Raises MalformedFunction if the condition does not hold."""
        if not condition:
            types = ", ".join(f"{a.dtype.name}{list(a.shape)}" for a in args if a.results is None)
            raise MalformedFunction(f"{self.kind}: {message}. Received {types}.")

    def same_shape(self, args: Args) -> Shape:
        """The common shape of all arguments, with Dims preferred to equal ints."""
        shape = args[0].shape
        for other in args[1:]:
            self.require(other.shape == shape, "the shapes must be equal", args)
            if any(type(d) is dims.Dim for d in other.shape):
                shape = tuple([dims.merge(a, b) for a, b in zip(shape, other.shape)])
        return shape


class SameType(Primitive):
    """A kind whose results have the shape and dtype of the first argument."""

    def infer(self, args: Args, attrs: Attrs) -> Result:
        return args[0].shape, args[0].dtype


def ints(extents: Sequence[int]) -> tuple[int, ...]:
    """Dims as plain ints for NumPy."""
    return tuple([int(d) for d in extents])


def without(shape: Shape, axes: Sequence[int]) -> Shape:
    """The shape with axes taken out."""
    return tuple([d for i, d in enumerate(shape) if i not in axes])


def widened(compute: Callable[..., Any], args: Arrays, node: Node) -> Any:
    """Computes with narrow floats in float32, and rounds the result to the node's type."""
    narrow = [a.dtype.itemsize <= 2 and a.dtype.kind in "fV" for a in args]
    if any(narrow):
        args = [a.astype(np.float32) if n else a for a, n in zip(args, narrow)]
    with np.errstate(all="ignore"):
        result = np.asarray(compute(*args))
    return result if result.dtype == node.dtype.np else result.astype(node.dtype.np)
