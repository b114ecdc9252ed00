"""The shape rule of every kind: shape and dtype of its result, from its arguments and attributes.

Each function takes `(args, attrs)` and returns `(shape, dtype)`, or a list of such pairs for a node with several
results. It raises MalformedFunction for arguments that the kind does not allow. The methods in build/ prepare arguments (they
broadcast them, and give scalars a dtype), so such an error is a defect of the code that calls `make`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.packed import FORMATS
from penstock._src.ir.node import Node, Shape

Args = Sequence[Node]
Attrs = Mapping[str, Any]
Result = tuple[Shape, DType]

PREDICATES = frozenset({"is_finite", "is_nan", "is_inf"})


def require(condition: bool, kind: str, message: str, args: Args = ()) -> None:
    """Raises MalformedFunction if the condition does not hold."""
    if not condition:
        types = ", ".join(f"{a.dtype.name}{list(a.shape)}" for a in args if a.results is None)
        raise MalformedFunction(f"{kind}: {message}. Received {types}.")


def by_attributes(_args: Args, attrs: Attrs) -> Result:
    """Shape and dtype from the attributes."""
    return tuple(attrs["shape"]), attrs["dtype"]


parameter = read = size = iota = by_attributes


def constant(_args: Args, attrs: Attrs) -> Result:
    return attrs["value"].shape, attrs["dtype"]


def random_bits(args: Args, attrs: Attrs) -> Result:
    key, counter = args
    require(key.dtype == dtypes.uint64, "random_bits", "the key must be uint64", args)
    require(counter.dtype == dtypes.uint64, "random_bits", "the counter must be uint64", args)
    return (attrs["count"],), dtypes.uint32


def same_shape(kind: str, args: Args) -> Shape:
    """The common shape of all arguments, with Dims preferred to equal ints."""
    shape = args[0].shape
    for other in args[1:]:
        require(other.shape == shape, kind, "the shapes must be equal", args)
        if any(type(d) is dims.Dim for d in other.shape):
            shape = tuple([dims.merge(a, b) for a, b in zip(shape, other.shape)])
    return shape


def unary(args: Args, attrs: Attrs) -> Result:
    (x,), op = args, attrs["op"]
    if op in PREDICATES:
        return x.shape, dtypes.bool_
    if op in ("abs", "real", "imag") and x.dtype.is_complex:
        return x.shape, x.dtype.real_dtype
    return x.shape, x.dtype


def binary(args: Args, attrs: Attrs) -> Result:
    x, y = args
    require(x.dtype == y.dtype, f"binary {attrs['op']}", "the dtypes must be equal", args)
    shape = same_shape(f"binary {attrs['op']}", args)
    if attrs["op"] == "complex":
        return shape, dtypes.complex64 if x.dtype == dtypes.float32 else dtypes.complex128
    return shape, x.dtype


def compare(args: Args, attrs: Attrs) -> Result:
    require(args[0].dtype == args[1].dtype, "compare", "the dtypes must be equal", args)
    return same_shape("compare", args), dtypes.bool_


def select(args: Args, _attrs: Attrs) -> Result:
    condition, a, b = args
    require(condition.dtype == dtypes.bool_, "select", "the condition must be bool", args)
    require(a.dtype == b.dtype, "select", "the dtypes must be equal", args)
    return same_shape("select", (a, b, condition)), a.dtype


def iterate(args: Args, attrs: Attrs) -> Result:
    recurrence, index = attrs["recurrence"], attrs["index"]
    types = tuple([a.dtype for a in args])
    require(types == recurrence.types, "iterate", "the recurrence takes other dtypes", args)
    return same_shape("iterate", args), recurrence.dtype_of(index)


def cast(args: Args, attrs: Attrs) -> Result:
    return args[0].shape, attrs["dtype"]


def bitcast(args: Args, attrs: Attrs) -> Result:
    (x,), dtype = args, attrs["dtype"]
    if dtype.size == x.dtype.size:
        return x.shape, dtype
    if dtype.size < x.dtype.size:
        return (*x.shape, x.dtype.size // dtype.size), dtype
    fits = bool(x.shape) and x.shape[-1] * x.dtype.size == dtype.size
    require(fits, "bitcast", f"the last axis must have the bytes of one {dtype.name}", args)
    return x.shape[:-1], dtype


def reshape(args: Args, attrs: Attrs) -> Result:
    (x,), shape = args, attrs["shape"]
    message = f"{list(shape)} has another number of elements"
    require(x.size == dims.product(shape), "reshape", message, args)
    return shape, x.dtype


def transpose(args: Args, attrs: Attrs) -> Result:
    (x,), perm = args, attrs["perm"]
    require(sorted(perm) == list(range(x.rank)), "transpose", f"{perm} is not a permutation", args)
    return tuple([x.shape[i] for i in perm]), x.dtype


def broadcast(args: Args, attrs: Attrs) -> Result:
    (x,), shape, axes = args, attrs["shape"], attrs["axes"]
    require(len(axes) == x.rank, "broadcast", f"axes {axes} must name every axis", args)
    require(list(axes) == sorted(set(axes)), "broadcast", f"axes {axes} must ascend", args)
    for extent, axis in zip(x.shape, axes):
        fits = dims.is_one(extent) or extent == shape[axis] or extent == 1
        require(fits, "broadcast", f"does not fit {list(shape)}", args)
    return shape, x.dtype


def slice_(args: Args, attrs: Attrs) -> Result:
    (x,), starts, limits, strides = args, attrs["starts"], attrs["limits"], attrs["strides"]
    complete = len(starts) == len(limits) == len(strides) == x.rank
    require(complete, "slice", "one bound an axis", args)
    for n, start, limit, stride in zip(x.shape, starts, limits, strides):
        inside = 0 <= start <= limit <= n and stride > 0
        require(inside, "slice", f"bounds {start}:{limit}:{stride} of {n} are outside", args)
    extents = [dims.ceil_divide(b - a, s) for a, b, s in zip(starts, limits, strides)]
    return tuple(extents), x.dtype


def filled(kind: str, args: Args) -> Args:
    """The array and the scalar that pads it, after a check of the scalar."""
    x, fill = args
    require(fill.shape == () and fill.dtype == x.dtype, kind, "the fill must be a scalar", args)
    return args


def pad(args: Args, attrs: Attrs) -> Result:
    x, _ = filled("pad", args)
    extents = []
    for n, low, high, inner in zip(x.shape, attrs["low"], attrs["high"], attrs["interior"]):
        extent = low + n + high + (inner * (n - 1) if inner and n > 0 else 0)
        require(extent >= 0, "pad", "negative padding cuts more than there is", args)
        extents.append(extent)
    return tuple(extents), x.dtype


def reverse(args: Args, _attrs: Attrs) -> Result:
    return args[0].shape, args[0].dtype


def concat(args: Args, attrs: Attrs) -> Result:
    axis, first = attrs["axis"], args[0]
    total: Any = 0
    for x in args:
        alike = x.dtype == first.dtype and x.rank == first.rank
        require(alike, "concat", "ranks and dtypes must agree", args)
        same = x.shape[:axis] + x.shape[axis + 1 :] == first.shape[:axis] + first.shape[axis + 1 :]
        require(same, "concat", f"shapes may differ in axis {axis} only", args)
        total = total + x.shape[axis]
    return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype


def window_extent(
    n: int, size: int, stride: int, dilation: int, low: int, high: int, base: int
) -> int:
    """The number of windows along an axis of n elements, with padding, dilation and base dilation."""
    spread = (n - 1) * base + 1 if n > 0 else 0
    room = spread + low + high - ((size - 1) * dilation + 1)
    return room // stride + 1 if room >= 0 else 0


def windows(args: Args, attrs: Attrs) -> Result:
    x, _ = filled("windows", args)
    shape = list(x.shape)
    for i, axis in enumerate(attrs["axes"]):
        names = ("size", "strides", "dilations", "low", "high", "base_dilations")
        shape[axis] = window_extent(x.shape[axis], *[attrs[name][i] for name in names])
    return (*shape, *attrs["size"]), x.dtype


def dynamic_slice(args: Args, attrs: Attrs) -> Result:
    x, sizes = args[0], attrs["sizes"]
    require(len(args) == 1 + x.rank == 1 + len(sizes), "dynamic_slice", "one start an axis", args)
    fits = all(0 <= size <= n for size, n in zip(sizes, x.shape))
    require(fits, "dynamic_slice", f"sizes {list(sizes)} must fit", args)
    return sizes, x.dtype


def dynamic_update_slice(args: Args, _attrs: Attrs) -> Result:
    x, update = args[0], args[1]
    require(len(args) == 2 + x.rank, "dynamic_update_slice", "one start an axis", args)
    alike = update.dtype == x.dtype and update.rank == x.rank
    require(alike, "dynamic_update_slice", "types differ", args)
    fits = all(u <= n for u, n in zip(update.shape, x.shape))
    require(fits, "dynamic_update_slice", "the update must fit", args)
    return x.shape, x.dtype


def without(shape: Shape, axes: Sequence[int]) -> Shape:
    """The shape with axes taken out."""
    return tuple([d for i, d in enumerate(shape) if i not in axes])


def reduce(args: Args, attrs: Attrs) -> Result:
    (x,), axes = args, attrs["axes"]
    require(list(axes) == sorted(set(axes)), "reduce", f"axes {axes} must ascend", args)
    require(all(0 <= a < x.rank for a in axes), "reduce", f"axes {axes} are outside", args)
    return without(x.shape, axes), x.dtype


def arg_reduce(args: Args, attrs: Attrs) -> Result:
    (x,) = args
    require(0 <= attrs["axis"] < x.rank, "arg_reduce", "the axis is outside", args)
    return without(x.shape, (attrs["axis"],)), attrs["dtype"]


def scan(args: Args, attrs: Attrs) -> Result:
    require(0 <= attrs["axis"] < args[0].rank, "scan", "the axis is outside", args)
    return args[0].shape, args[0].dtype


def sort(args: Args, attrs: Attrs) -> list[Result]:
    shape = same_shape("sort", args)
    axis, count = attrs["axis"], attrs["count"]
    require(0 <= axis < len(shape), "sort", "the axis is outside", args)
    require(0 <= count <= shape[axis], "sort", f"a line has fewer than {count} elements", args)
    shape = (*shape[:axis], count, *shape[axis + 1 :])
    return [(shape, x.dtype) for x in args]


def unpack(args: Args, attrs: Attrs) -> Result:
    (x,), form = args, FORMATS[attrs["format"]]
    require(x.dtype == dtypes.uint8 and bool(x.shape), "unpack", "rows must be of uint8", args)
    row = x.shape[-1]
    require(row % form.size == 0, "unpack", f"rows must be blocks of {form.size} bytes", args)
    return (*x.shape[:-1], form.row_elements(row)), dtypes.float32


def round_groups(args: Args, attrs: Attrs) -> Result:
    (x,) = args
    require(x.dtype == dtypes.float32, "round_groups", "the dtype must be float32", args)
    fits = bool(x.shape) and x.shape[-1] % attrs["size"] == 0
    require(fits, "round_groups", f"rows must be groups of {attrs['size']}", args)
    return x.shape, x.dtype


def leaf_masks(args: Args, _attrs: Attrs) -> Result:
    return _sums_of_leaves("leaf_masks", args)


def tree_paths(args: Args, _attrs: Attrs) -> Result:
    return _sums_of_leaves("tree_paths", args)


def _sums_of_leaves(kind: str, args: Args) -> Result:
    x, base, values = args[:3]
    ranks = x.rank, base.rank, values.rank
    require(ranks == (2, 1, 2), kind, "there must be rows, a vector and rows of values", args)
    require(base.dtype == values.dtype, kind, "sums must have the dtype of values", args)
    return (x.shape[0], base.shape[0]), base.dtype


def fft(args: Args, attrs: Attrs) -> Result:
    x, roots = args
    require(
        x.dtype.is_complex and x.dtype == roots.dtype, "fft", "the dtypes must be complex", args
    )
    require(0 <= attrs["axis"] < x.rank, "fft", "the axis is outside", args)
    fits = roots.shape == (x.shape[attrs["axis"]],)
    require(fits, "fft", "there must be a root for each element of a line", args)
    return x.shape, x.dtype


def split_spec(spec: str) -> tuple[str, str, str]:
    """The letters of both operands and of the result of "bmk,bkn->bmn"."""
    operands, result = spec.split("->")
    left, right = operands.split(",")
    return left, right, result


def contract(args: Args, attrs: Attrs) -> Result:
    x, y = args
    left, right, result = split_spec(attrs["spec"])
    require(x.dtype == y.dtype, "contract", "the dtypes must be equal", args)
    fits = len(left) == x.rank and len(right) == y.rank
    require(fits, "contract", f"{attrs['spec']} does not fit", args)
    extents: dict[str, int] = {}
    for letter, extent in (*zip(left, x.shape), *zip(right, y.shape)):
        known = extents.setdefault(letter, extent)
        message = f"extents of {letter!r} in {attrs['spec']} differ"
        require(known == extent, "contract", message, args)
        extents[letter] = dims.merge(known, extent)
    return tuple([extents[letter] for letter in result]), x.dtype


def gather(args: Args, attrs: Attrs) -> Result:
    x, indices = args
    axis, batch = attrs["axis"], attrs["batch_dims"]
    require(indices.dtype.is_integer, "gather", "indices must be integers", args)
    fits = batch <= axis < x.rank and batch <= indices.rank
    require(fits, "gather", "axis and batch_dims do not fit", args)
    require(x.shape[:batch] == indices.shape[:batch], "gather", "batch extents differ", args)
    return (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]), x.dtype


def scatter(args: Args, _attrs: Attrs) -> Result:
    x, indices, updates = args
    vectors = indices.rank > 0 and indices.dtype.is_integer
    require(vectors, "scatter", "indices are vectors of integers", args)
    depth = int(indices.shape[-1])
    require(depth <= x.rank, "scatter", "index vectors are longer than the rank", args)
    fits = updates.shape == (*indices.shape[:-1], *x.shape[depth:]) and updates.dtype == x.dtype
    message = "updates must have the shape of the indices, then of what they address"
    require(fits, "scatter", message, args)
    return x.shape, x.dtype


def while_(_args: Args, attrs: Attrs) -> list[Result]:
    return [(r.shape, r.dtype) for r in attrs["body"].results]


def case(_args: Args, attrs: Attrs) -> list[Result]:
    return [(r.shape, r.dtype) for r in attrs["branches"][0].results]


def exchange_start(args: Args, attrs: Attrs) -> Result:
    x, kind, size = args[0], attrs["unit"].kind, attrs["size"]
    if kind in ("all_reduce", "all_to_all", "broadcast"):
        return x.shape, x.dtype
    require(x.rank > 0, "exchange_start", "the array must have an axis", args)
    rows, *rest = x.shape
    if kind == "all_gather":
        return (rows * size, *rest), x.dtype
    require(int(rows) % size == 0, "exchange_start", "rows must be a multiple of processes", args)
    return (rows // size, *rest), x.dtype


def exchange_wait(args: Args, _attrs: Attrs) -> Result:
    return args[0].shape, args[0].dtype


def item(args: Args, attrs: Attrs) -> Result:
    results = args[0].results
    if results is None:
        raise MalformedFunction("item: the argument has one result only.")
    return results[attrs["index"]]


def optimization_barrier(args: Args, _attrs: Attrs) -> Result:
    return args[0].shape, args[0].dtype
