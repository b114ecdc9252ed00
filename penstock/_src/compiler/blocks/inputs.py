"""The inputs of a block as parameters of a program, with Dims for unknown extents."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.input_form import InputForm, Read
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.values import HostValue, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.core.values import kernel_state
from penstock._src.core.values.device_array import on_host
from penstock._src.core.values.resources import VariableHandle, shape_of_value
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import current
from penstock._src.ir.node import Node, Shape
from penstock._src.ops.control.list_value import MIXED, TensorList

# The largest integer input for whose value a program may be specialized, in elements.
SMALL_VALUE = 64
STRINGS = "strings are held by the host"


class ProgramInputs:
    """Creates the parameters of a program for the inputs of a block, and records how each run fills them."""

    def __init__(self, p: LoweringContext, states: dict[Any, Any]) -> None:
        self.p = p
        self.states = states
        self.extents = current()  # the numbers of unknown extents in this call
        self.parameters: list[Node] = []
        # For each parameter ("input" | "list", position) or ("call", function).
        self.sources: list[tuple[str, Any]] = []
        self.symbols: dict[Any, dims.Dim] = {}  # by axis and number, see `extent`
        self.form = InputForm()
        self.handles: dict[int, Node] = {}  # id of a handle -> its parameter
        self.positions: dict[int, int] = {}  # parameter's id -> position of the input
        self.host_values: list[tuple[HostValue, int]] = []  # with their positions
        p.host_input = self.host_input

    def leaf(self, position: int, tensor: Any, value: Any, by_value: bool) -> Lowered:
        """The lowered value of the input at `position`."""
        lowered = self._leaf(position, tensor, value, by_value)
        if isinstance(lowered, HostValue):
            self.host_values.append((lowered, position))
        return lowered

    def _leaf(self, position: int, tensor: Any, value: Any, by_value: bool) -> Lowered:
        if tensor.dtype == dtypes.resource:
            return self._handle(position, tensor, value)
        if tensor.dtype == dtypes.variant:
            return self._list(position, value)
        if tensor.dtype == dtypes.string:
            return HostValue(STRINGS)
        if isinstance(value, VariableHandle):
            return HostValue("references to v1 variables are held by the host")
        if by_value:
            return self._known(position, on_host(value), tensor.dtype)
        shape = self._shape(position, tensor, value.shape)
        return self._parameter(("input", position), position, shape, tensor.dtype)

    def tell(self, values: Mapping[int, Any]) -> None:
        """Sets the values of inputs, by position: later lowerings treat these parameters as known."""
        for node in self.parameters:
            position = self.positions.get(node.id)
            if position is not None and position in values:
                known = self._known(position, on_host(values[position]), node.dtype)
                self.p.known.tell(node, self.p.known.symbolic(known))

    def host_input(self, function: Any, shape: Sequence[int], dtype: dtypes.DType) -> Node:
        """A parameter whose value `function()` computes before each run of the program, such as a position in a random stream."""
        states, node, calls = self.states, self.p.origin, self.p.calls

        def call() -> Any:
            with kernel_state.of_node(states, node, calls):
                return function()

        return self._parameter(("call", call), None, tuple(shape), dtype)

    def _parameter(
        self, source: tuple, position: int | None, shape: Shape, dtype: Any, **more: Any
    ) -> Node:
        node = self.p.parameter(
            len(self.parameters), shape, dtype, f"x{len(self.parameters)}", **more
        )
        self.parameters.append(node)
        self.sources.append(source)
        if position is not None:
            self.positions[node.id] = position
        return node

    def _shape(self, position: int, tensor: Any, shape: Sequence[int]) -> Shape:
        """The value's shape, with Dims for extents that are unknown in the graph."""
        static = tensor.shape._dims
        if static is None or len(static) != len(shape):  # the input of a branch that is not taken
            static = (None,) * len(shape)
        self.form.add(("rank", position), len(shape))
        return tuple(
            [
                self.extent(("extent", position, axis), axis, n, known is None)
                for axis, (known, n) in enumerate(zip(static, shape))
            ]
        )

    def extent(self, read: Read, axis: Any, value: int, is_unknown: bool = True) -> dims.Extent:
        """An extent of the inputs as an int, or as a Dim if it is unknown.

        Equal extents of one axis, such as the batch sizes of several inputs, share a symbol, and the program requires that they stay equal:
        kernels then need not treat them as possibly different. Symbols are at least 2, as 0 and 1 broadcast and select
        other code, and stay ints: results of 1 have the same bits whichever extent came first.

        Args:
          read: the position from which it is read.
          axis: the group of extents that may share a symbol.
          value: the number in this call.
          is_unknown: False if the graph fixes it.
        """
        if not is_unknown or value < dims.LEAST:
            self.form.add(read, value)
            return value
        if (axis, value) not in self.symbols:
            self.symbols[axis, value] = self._symbol("d", value)
        symbol = self.symbols[axis, value]
        self.form.add(read, dims.text(symbol))
        return symbol

    def _symbol(self, kind: str, number: int) -> dims.Dim:
        name = f"{kind}{len(self.extents.symbols)}"
        self.extents.symbols[name] = int(number)
        return dims.Dim.symbol(name)

    def _number(self, read: Read, value: int) -> dims.Extent:
        """A number that an input holds, as a Dim: of a negative number it is minus a symbol. -1 stays an int, as it has special meanings."""
        if value == -1:
            self.form.add(read, value)
            return value
        symbol = self._symbol("v", abs(value))
        self.form.add(read, dims.text(symbol) if value >= 0 else f"-{dims.text(symbol)}")
        return symbol if value >= 0 else -symbol

    def _known(self, position: int, value: np.ndarray, dtype: dtypes.DType) -> Node:
        """An input whose value the program depends on. Its integers become Dims: kernels take them at run time."""
        if dtype.is_integer and value.ndim <= 1 and value.size <= SMALL_VALUE:
            self.form.add(("rank", position), value.ndim)
            for axis, n in enumerate(value.shape):
                self.form.add(("extent", position, axis), n)
            numbers = [
                self._number(("value", position, i), int(v))
                for i, v in enumerate(value.reshape(-1).tolist())
            ]
            vector = self.p.shape_value(numbers, dtype)
            return vector if value.ndim == 1 else self.p.reshape(vector, ())
        self.form.add(("bytes", position), (value.dtype.str, value.shape, value.tobytes()))
        return self.p.constant(value, dtype)

    def _handle(self, position: int, tensor: Any, value: Any) -> Lowered:
        if not isinstance(value, VariableHandle) or not value.dtype.is_numpy_compatible:
            return HostValue("the resource is not a variable")
        if value.dtype == dtypes.string:
            return HostValue(STRINGS)
        if id(value) in self.handles:
            return self.handles[id(value)]
        shape = shape_of_value(value)
        if shape is None:
            return HostValue(f"variable '{value.name}' has no value yet")
        variable = (tuple(shape), value.dtype)
        node = self._parameter(
            ("input", position), position, (), dtypes.resource, variable=variable
        )
        self.handles[id(value)] = node
        return node

    def _list(self, position: int, value: Any) -> Lowered:
        if not isinstance(value, TensorList) or value.dtype in (dtypes.string, dtypes.variant):
            return HostValue("the variant is not a list of arrays")
        count = len(value)
        shape = value.common_shape()
        if shape is MIXED:
            return HostValue("the elements of the list have different shapes")
        size = self.extent(("count", position), ("list", position), count)
        length = self.p.size(size, dtypes.int32)
        if shape is None:
            return ListValue(value.dtype, None, length, size if count else None, None)
        # Of an empty list, too: other calls give lists of the same rank with other extents.
        items = tuple(
            [self.extent(("item", position, axis), axis, int(n)) for axis, n in enumerate(shape)]
        )
        if count == 0:
            return ListValue(value.dtype, None, length, None, items)
        buffer = self._parameter(("list", position), None, (size, *items), value.dtype)
        return ListValue(value.dtype, buffer, length, size, items)
