"""Requirements of single operations on their operands' shapes and their attributes' values, beyond `facts.py`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.stablehlo.module import Dense, HloOperation, TensorType

INTEGERS = (int, np.integer)


class Refused(Exception):
    """Error in an operation."""


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise Refused(text)


def kind_of(dtype: Any) -> str:
    if not isinstance(dtype, DType):
        return "i"
    if dtype.is_bool:
        return "b"
    if dtype.is_floating:
        return "f"
    return "c" if dtype.is_complex else "i"


def agree(shape: Sequence[int | None], other: Sequence[int | None]) -> bool:
    return len(shape) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(shape, other)
    )


def numbers_of(value: Any) -> list[int] | None:
    """The integers of a list; None if it is another thing."""
    if isinstance(value, Dense):
        return [int(n) for n in value.array.ravel()] if value.array.dtype.kind in "iub" else None
    if isinstance(value, tuple) and all(isinstance(n, INTEGERS) for n in value):
        return [int(n) for n in value]
    return None


def rank_of(operation: HloOperation, kind: str) -> int:
    if kind.startswith("result"):
        expect(bool(operation.results), "it has no result")
        value_type = operation.results[0].type
    else:
        value_type = operation.operands[int(kind.endswith("1"))].type
    expect(isinstance(value_type, TensorType), f"{value_type} is not a tensor")
    return len(value_type.shape)


def _list(operation: HloOperation, name: str) -> list[int]:
    return numbers_of(operation.attributes[name]) or []


def _check_constant(operation: HloOperation) -> None:
    want, have = operation.results[0].type, operation.attributes["value"].type
    expect(
        isinstance(want, TensorType) and want.shape == have.shape, f"its value has the type {have}"
    )


def _check_transpose(operation: HloOperation) -> None:
    expect(
        len(_list(operation, "permutation")) == rank_of(operation, "axes"),
        f"its permutation is {_list(operation, 'permutation')}",
    )


def _check_broadcast(operation: HloOperation) -> None:
    places = _list(operation, "broadcast_dimensions")
    x, target = operation.operands[0].type.shape, operation.results[0].type.shape
    fits = len(places) == len(x) and all(
        size in (None, 1) or target[i] in (None, size) for size, i in zip(x, places)
    )
    expect(fits, f"it cannot broadcast {list(x)} to {list(target)} at {places}")


def _check_slice(operation: HloOperation) -> None:
    bounds = zip(
        operation.operands[0].type.shape,
        *[_list(operation, name) for name in ("start_indices", "limit_indices", "strides")],
    )
    for size, start, limit, stride in bounds:
        expect(
            0 <= start <= limit and (size is None or limit <= size) and stride > 0,
            f"it cannot take {start}:{limit}:{stride} of {size} elements",
        )


def _check_pad(operation: HloOperation) -> None:
    expect(
        min(_list(operation, "interior_padding"), default=0) >= 0,
        "its interior padding is negative",
    )
    expect(not operation.operands[1].type.shape, "it pads with one number")


def _check_concatenate(operation: HloOperation) -> None:
    axis = int(operation.attributes["dimension"])
    shapes = [list(value.type.shape) for value in operation.operands]
    for shape in shapes:
        rest = [*shape[:axis], *shape[axis + 1 :]]
        first = [*shapes[0][:axis], *shapes[0][axis + 1 :]]
        expect(agree(rest, first), f"it joins shapes {shapes[0]} and {shape}")


def _check_dynamic_slice(operation: HloOperation) -> None:
    first = 2 if operation.name == "dynamic_update_slice" else 1
    rank = rank_of(operation, "axes")
    expect(len(operation.operands) == rank + first, f"it takes {rank} starts")
    for value in operation.operands[first:]:
        expect(not value.type.shape and kind_of(value.type.dtype) == "i", "its starts are integers")
    whole = operation.operands[0].type.shape
    block = operation.operands[1].type.shape if first == 2 else _list(operation, "slice_sizes")
    fits = len(block) == rank and all(
        n is None or size is None or 0 <= n <= size for n, size in zip(block, whole)
    )
    expect(fits, f"a block of {list(block)} does not fit into {list(whole)}")


def _check_dot_general(operation: HloOperation) -> None:
    for word in ("batching", "contracting"):
        pairs = [_list(operation, f"{side}_{word}_dimensions") for side in ("lhs", "rhs")]
        x, y = (value.type.shape for value in operation.operands)
        fits = len(pairs[0]) == len(pairs[1]) and all(agree([x[i]], [y[j]]) for i, j in zip(*pairs))
        expect(fits, f"its {word} dimensions are {pairs} of {list(x)} and {list(y)}")
    for side in ("lhs", "rhs"):
        axes = _list(operation, f"{side}_batching_dimensions")
        axes += _list(operation, f"{side}_contracting_dimensions")
        expect(len(set(axes)) == len(axes), f"its {side} dimensions are {axes}")


def _check_dot(operation: HloOperation) -> None:
    x, y = (value.type.shape for value in operation.operands)
    fits = len(x) in (1, 2) and len(y) in (1, 2) and agree(x[-1:], y[:1])
    expect(fits, f"it cannot multiply {list(x)} and {list(y)}")


def _check_reduce(operation: HloOperation) -> None:
    half = len(operation.operands) // 2
    shapes = [value.type.shape for value in operation.operands]
    for shape in shapes[:half]:
        expect(agree(shape, shapes[0]), "its operands have different shapes")
    for shape in shapes[half:]:
        expect(not shape, "its initial values are numbers")


def _check_window(operation: HloOperation) -> None:
    if operation.name == "reduce_window":
        _check_reduce(operation)
    rank = rank_of(operation, "axes")
    names = ("window_dimensions", "window_strides", "base_dilations", "window_dilations", "padding")
    for name in names:
        numbers = numbers_of(operation.attributes.get(name)) or []
        want = 2 * rank if name == "padding" else rank
        expect(len(numbers) in (0, want), f"its attribute {name} has {len(numbers)} numbers")


def _check_convolution(operation: HloOperation) -> None:
    rank = rank_of(operation, "axes")
    for name in ("input", "kernel", "output"):
        axes = _list(operation, f"{name}_spatial_dimensions")
        first, last = (
            ("input_feature", "output_feature") if name == "kernel" else ("batch", "feature")
        )
        axes += [operation.attributes[f"{name}_{word}_dimension"] for word in (first, last)]
        expect(len(set(axes)) == rank == len(axes), f"its axes of {name} are {axes}")
    for name in ("window_strides", "lhs_dilation", "rhs_dilation", "window_reversal"):
        count = len(numbers_of(operation.attributes.get(name)) or [])
        expect(count == rank - 2, f"its attribute {name} has {count} numbers")
    if operation.name == "convolution":
        count = len(_list(operation, "padding"))
        expect(count == 2 * (rank - 2), f"its attribute padding has {count} numbers")
    for name in ("feature_group_count", "batch_group_count"):
        expect(operation.attributes[name] > 0, f"its {name} is not positive")


def _check_gather(operation: HloOperation) -> None:
    whole, indices = (operation.operands[i].type.shape for i in (0, 1))
    window = _list(operation, "offset_dims")
    gone = _list(operation, "collapsed_slice_dims")
    batch = _pairs(operation, "operand_batching_dims", "start_indices_batching_dims", indices)
    mapped = _list(operation, "start_index_map")
    _check_addresses(operation, whole, indices, window, gone, batch, mapped)
    if operation.name != "gather":
        return
    sizes = _list(operation, "slice_sizes")
    fits = all(0 <= n and (size is None or n <= size) for n, size in zip(sizes, whole))
    fits = fits and all(sizes[i] <= 1 for i in (*gone, *batch))
    expect(fits, f"it cannot take slices of {sizes} from {list(whole)}")


def _check_scatter(operation: HloOperation) -> None:
    half = len(operation.operands) // 2
    whole, indices, updates = (operation.operands[i].type.shape for i in (0, half, half + 1))
    window = _list(operation, "update_window_dims")
    gone = _list(operation, "inserted_window_dims")
    batch = _pairs(operation, "input_batching_dims", "scatter_indices_batching_dims", indices)
    mapped = _list(operation, "scatter_dims_to_operand_dims")
    _check_addresses(operation, whole, indices, window, gone, batch, mapped)
    count = len(indices) - (operation.attributes["index_vector_dim"] < len(indices))
    rank = len(updates)
    fits = rank == count + len(window) and all(0 <= i < rank for i in window)
    expect(fits, f"its updates have the shape {list(updates)}, its windows the axes {window}")
    own = [size for i, size in enumerate(whole) if i not in (*gone, *batch)]
    fits = all(
        None in (updates[i], size) or updates[i] <= size for i, size in zip(sorted(window), own)
    )
    expect(fits, f"windows of {list(updates)} do not fit into {list(whole)}")


def _pairs(
    operation: HloOperation, own: str, other: str, indices: Sequence[int | None]
) -> list[int]:
    """Return the batch axes of an operand. The indices have one for each."""
    axes, places = (numbers_of(operation.attributes.get(name)) or [] for name in (own, other))
    fits = len(axes) == len(places) and all(0 <= i < len(indices) for i in places)
    expect(fits, f"its batch axes are {axes} and {places}")
    return axes


def _check_addresses(
    operation: HloOperation,
    whole: Sequence[int | None],
    indices: Sequence[int | None],
    window: Sequence[int],
    gone: Sequence[int],
    batch: Sequence[int],
    mapped: Sequence[int],
) -> None:
    at = operation.attributes["index_vector_dim"]
    expect(0 <= at <= len(indices), f"its index_vector_dim is {at}")
    length = indices[at] if at < len(indices) else 1
    expect(
        length in (None, len(mapped)), f"its index vectors have {length} numbers for axes {mapped}"
    )
    absent = [*gone, *batch]
    fits = len(set(absent)) == len(absent) and len(window) + len(absent) == len(whole)
    expect(
        fits and len(set(window)) == len(window),
        f"its windows have the axes {window}, without {absent}",
    )


def _check_sort(operation: HloOperation) -> None:
    rank = rank_of(operation, "axes")
    axis = operation.attributes["dimension"]
    expect(-rank <= axis < rank, f"its dimension is {axis}")


RULES = {
    "broadcast_in_dim": _check_broadcast,
    "concatenate": _check_concatenate,
    "constant": _check_constant,
    "convolution": _check_convolution,
    "dot": _check_dot,
    "dot_general": _check_dot_general,
    "dynamic_conv": _check_convolution,
    "dynamic_slice": _check_dynamic_slice,
    "dynamic_update_slice": _check_dynamic_slice,
    "dynamic_gather": _check_gather,
    "gather": _check_gather,
    "pad": _check_pad,
    "reduce": _check_reduce,
    "reduce_window": _check_window,
    "scatter": _check_scatter,
    "select_and_scatter": _check_window,
    "slice": _check_slice,
    "sort": _check_sort,
    "transpose": _check_transpose,
}
