"""Arrays with a data-dependent number of rows, such as the result of tf.where: a buffer of the maximum size, and a row count.

`DynamicRows` values are results of the ops in `dynamic_rows_sources` and arguments of those in `dynamic_rows_ops`. Any other op on
them goes into a separate block, which is lowered once the count is known.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.lowering import Lowering
from penstock._src.compiler.lower.values import DynamicRows, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import intervals
from penstock._src.ir.node import Node

# Maximum number of elements of a buffer whose extent is only bounded.
_LARGEST = 1 << 24


def valid(p: LoweringContext, x: DynamicRows) -> Node:
    """A vector that is true for the rows in use."""
    return p.lt(p.iota([x.capacity], 0, dtypes.int32), x.count)


def valid_elements(p: LoweringContext, x: DynamicRows) -> Node:
    """A mask of the buffer that is true for the elements of the rows in use."""
    wide = p.reshape(valid(p, x), (x.capacity, *[1] * (x.rank - 1)))
    return p.broadcast_to(wide, x.rows.shape)


def filled(p: LoweringContext, x: DynamicRows, value: Any) -> Node:
    """The buffer with a known value in the rows that are not in use."""
    return p.select(valid_elements(p, x), x.rows, p.full(x.rows.shape, value, x.dtype))


def padded(p: LoweringContext, x: DynamicRows, capacity: int) -> DynamicRows:
    """The rows in a larger buffer."""
    if dims.same(capacity, x.capacity):
        return x
    more = p.full((capacity - x.capacity, *x.rows.shape[1:]), 0, x.dtype)
    return DynamicRows(p.concat([x.rows, more], 0), x.count)


def as_dynamic_rows(p: LoweringContext, x: Lowered) -> DynamicRows:
    """An array of known extent as dynamic rows, all of them in use."""
    if isinstance(x, DynamicRows):
        return x
    if not isinstance(x, Node) or not x.rank or x.dtype == dtypes.resource:
        raise NotLowerable("dynamic rows are combined with a value that has no rows")
    return DynamicRows(x, p.scalar(x.shape[0], dtypes.int32))


def aligned(p: LoweringContext, op: Operation, values: Sequence[DynamicRows]) -> list[DynamicRows]:
    """The values with one number of rows and one capacity; a single row is repeated, as in broadcasting."""
    capacity = max(v.capacity for v in values)
    values = [padded(p, v, capacity) for v in values]
    if all(same_number(p, v.count, values[0].count) for v in values[1:]):
        return [DynamicRows(v.rows, values[0].count) for v in values]
    # Counts broadcast as extents do: 0 beside 1 gives 0 rows.
    count, empty = values[0].count, p.eq(values[0].count, 0)
    for v in values[1:]:
        count, empty = p.maximum(count, v.count), p.or_(empty, p.eq(v.count, 0))
    count = p.select(empty, p.constant(0, dtypes.int32), count)
    result = []
    for v in values:
        single = p.eq(v.count, 1)
        fits = p.or_(single, p.eq(v.count, count))
        p.check(fits, f"{op.type}: Incompatible shapes: the numbers of rows differ")
        first = p.broadcast_to(p.slice_axis(v.rows, 0, 0, 1), v.rows.shape)
        result.append(DynamicRows(p.select(single, first, v.rows), count))
    return result


def same_number(p: LoweringContext, a: Node, b: Node) -> bool:
    """True if two integers are known to be equal."""
    a, b = _plain(p, a), _plain(p, b)
    return a is b or p.difference(a, b) == 0


def _plain(p: LoweringContext, number: Node) -> Node:
    """Removes reshapes, and casts that keep the value, around an integer."""
    while number.kind in ("cast", "reshape", "broadcast") and number.args[0].dtype.is_integer:
        if number.kind == "cast" and not _keeps(p, number):
            break
        number = number.args[0]
    return number


def _keeps(p: LoweringContext, cast: Node) -> bool:
    """True if an integer type has all numbers that a cast to it can meet."""
    source = cast.args[0]
    least, most = p.bounds(source) or intervals.limits(source.dtype)
    low, high = intervals.limits(cast.dtype)
    return bool(low <= least and most <= high)


def number(p: LoweringContext, x: Node) -> Node:
    """One integer as an int32 scalar."""
    return p.cast(p.reshape(x, ()), dtypes.int32)


def bounded_shape(p: LoweringContext, extents: Node, what: str) -> tuple[Node, list[int]]:
    """The number of rows, and the largest shape, for a shape vector whose first entry alone is unknown.

    Raises:
      NotLowerable: another entry, or a bound on the number of rows, is unknown.
    """
    first = p.take_index(extents, 0, 0)
    rest = p.dims(p.slice_axis(extents, 0, 1, extents.shape[0]))
    most = p.bounds(first)
    if rest is None or most is None or most[0] < 0:
        raise NotLowerable(f"needs the value of {what} while compiling")
    if dims.product([most[1], *rest]) > _LARGEST or most[1] < 1:
        raise NotLowerable(f"needs the value of {what} while compiling")
    return number(p, first), [most[1], *rest]


def by_rows(
    lowering: Lowering, op: Operation, args: Sequence[Lowered], count: Node
) -> Sequence[Lowered]:
    """The results of an op that treats each row independently, applied to the buffers; `args` are nodes."""
    p = lowering.p
    checks = len(p.checks)
    with p.collected() as inner:
        outputs = lowering.outputs_of(op, list(args))
    # A check would also read rows that are not in use, and fail on elements that were never computed.
    if inner or len(p.checks) != checks:
        del p.checks[checks:]
        raise NotLowerable(f"{op.type} checks values, also of rows that are not in use")
    return [DynamicRows(node, count) for node in outputs if isinstance(node, Node)]
