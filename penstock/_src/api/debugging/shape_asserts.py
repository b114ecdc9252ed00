"""Assertions about ranks, shapes and types."""

import collections.abc

import numpy as np

from penstock._src.api.control.scopes import group, no_op
from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

from .asserts import Assert


def _name(x):
    return x.name if STATE.graph is not None and hasattr(x, "op") else ""


def _tensor(x):
    if isinstance(x, Tensor) or hasattr(type(x), "_type_spec"):
        return x
    return convert_to_tensor(x, name="x")


def _check_rank(x, wanted, holds, phrase, dynamic, message, name):
    """Checks the static rank, or adds an assertion about the dynamic one."""
    x = _tensor(x)
    head = f"{message}.  " if message else ""
    ranks = [_rank_value(r) for r in wanted]
    if x.shape.rank is not None and None not in ranks:
        if not holds(x.shape.rank, ranks):
            raise ValueError(
                f"{head}Tensor {_name(x)} must have rank {phrase(ranks)}.  Received rank "
                f"{x.shape.rank}, shape {x.shape}"
            )
        return None if STATE.graph is None else no_op(name=name)
    rank = raw.Rank(input=x)
    condition = dynamic(rank, [convert_to_tensor(r, dtype=dtypes.int32) for r in wanted])
    data = [f"{head}Tensor {_name(x)} must have rank", *[convert_to_tensor(r) for r in wanted],
            "Received shape: ", raw.Shape(input=x)]  # fmt: skip
    return Assert(condition, data, name=name)


def _rank_value(rank):
    if isinstance(rank, (int, np.integer)):
        return int(rank)
    tensor = convert_to_tensor(rank)
    if not tensor.dtype.is_integer:
        raise TypeError(f"Rank must be an integer. Received {rank}.")
    if tensor.shape.rank not in (None, 0):
        raise ValueError("Rank must be a scalar.")
    known = get_static_value(tensor)
    return None if known is None else int(known)


@dispatchable("debugging.assert_rank", "assert_rank", v1=[])
def assert_rank(x, rank, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has this rank."""
    return _check_rank(
        x,
        [rank],
        lambda have, want: have == want[0],
        lambda want: str(want[0]),
        lambda have, want: raw.Equal(x=have, y=want[0]),
        message,
        name,
    )


@dispatchable("debugging.assert_rank_at_least", v1=[])
def assert_rank_at_least(x, rank, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has this rank or more."""
    return _check_rank(
        x,
        [rank],
        lambda have, want: have >= want[0],
        lambda want: f"at least {want[0]}",
        lambda have, want: raw.GreaterEqual(x=have, y=want[0]),
        message,
        name,
    )


@dispatchable("debugging.assert_rank_in", v1=[])
def assert_rank_in(x, ranks, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has one of these ranks."""
    return _check_rank(
        x,
        list(ranks),
        lambda have, want: have in want,
        lambda want: f"in {tuple(want)}",
        lambda have, want: raw.Any(
            input=raw.Pack(values=[raw.Equal(x=have, y=w) for w in want]), axis=[0]
        ),
        message,
        name,
    )


@dispatchable("debugging.assert_type", v1=[])
def assert_type(tensor, tf_type, message=None, name=None):
    """Raises TypeError unless `tensor` has this type."""
    wanted = dtypes.as_dtype(tf_type)
    tensor = _tensor(tensor)
    if tensor.dtype.base_dtype != wanted:
        head = f"{message}  " if message else ""
        which = f"{tensor.name} " if STATE.graph is not None else "tensor "
        raise TypeError(
            f"{head}{which}must be of type {wanted!r}; got {tensor.dtype!r}".replace(
                repr(wanted), f"tf.{wanted.name}"
            ).replace(repr(tensor.dtype), f"tf.{tensor.dtype.name}")
        )
    return None if STATE.graph is None else no_op()


@unary("debugging.assert_integer", v1=[])
def assert_integer(x, message=None, name=None):
    """Raises TypeError unless `x` is of an integer type."""
    x = _tensor(x)
    if not x.dtype.is_integer:
        head = f"{message}  " if message else ""
        if STATE.graph is None:
            what = f'"x" to be integer type.  Found: tensor of dtype {x.dtype!r}'
        else:
            what = f'"x" to be integer type.  Found: {x.name} of dtype {x.dtype!r}'
        raise TypeError(f"{head}Expected {what}")


@export("debugging.is_numeric_tensor", v1=["debugging.is_numeric_tensor", "is_numeric_tensor"])
def is_numeric_tensor(tensor):
    """Whether it is a tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype.base_dtype.is_numeric


@export(
    "debugging.assert_proper_iterable",
    v1=["debugging.assert_proper_iterable", "assert_proper_iterable"],
)
def assert_proper_iterable(values):
    """Raises TypeError if `values` is a tensor, array or string, or can't be iterated over."""
    unintended = (Tensor, np.ndarray, bytes, str)
    if isinstance(values, unintended) or hasattr(type(values), "_type_spec"):
        raise TypeError(
            f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}'
        )
    if not isinstance(values, collections.abc.Iterable):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


@dispatchable(
    "debugging.assert_same_float_dtype",
    v1=["debugging.assert_same_float_dtype", "assert_same_float_dtype"],
)
def assert_same_float_dtype(tensors=None, dtype=None):
    """The one float type of all tensors (float32 if there are none).

    Raises:
      ValueError: the dtypes differ or are not floating point.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    first = None
    for tensor in tensors or ():
        have = tensor.dtype.base_dtype
        if wanted is None:
            wanted, first = have, tensor
        elif have != wanted:
            than = f" as {first}" if first is not None else ""
            raise ValueError(
                f"{tensor}, type={have!r}, must be of the same type ({wanted!r}){than}."
            )
    wanted = dtypes.float32 if wanted is None else wanted
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted!r}.")
    return wanted


def _entries(size_spec):
    """The symbols of a shape, whether it begins or ends with "..." and how many there are."""
    if isinstance(size_spec, str):
        size_spec = list(size_spec) if size_spec not in ("...",) else ["..."]
        if len(size_spec) >= 3 and size_spec[:3] == [".", ".", "."]:
            size_spec = ["..."] + size_spec[3:]
        elif len(size_spec) >= 3 and size_spec[-3:] == [".", ".", "."]:
            size_spec = size_spec[:-3] + ["..."]
    elif isinstance(size_spec, (int, np.integer)):
        size_spec = [size_spec]
    spec = list(size_spec)
    lead = bool(spec) and (spec[0] in (Ellipsis, "...", "*") and spec[0] != "*")
    trail = len(spec) > 1 and spec[-1] in (Ellipsis, "...")
    core = spec[1:] if lead else spec[:-1] if trail else spec
    if any(s in (Ellipsis, "...") for s in core):
        raise ValueError(
            'Tensor specified with "..." in the middle: `...` may stand at one end of a shape only.'
        )
    return core, lead, trail


@dispatchable("debugging.assert_shapes", v1=[])
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Raises ValueError unless shapes match their specifications.

    Args:
      shapes: pairs (or a dict) of tensor and shape: a tuple (or string) of sizes, symbols for equal sizes, None (any size),
        and "..." at one end.
      data: shown when an assertion in a graph fails.
      summarize: how many entries of it.
      message: put before the error's text.
      name: a name for the operation.
    """
    pairs = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    head = f"{message}.  " if message else ""
    sizes = {}
    checks = []
    for tensor, spec in pairs:
        if hasattr(tensor, "deref"):
            tensor = tensor.deref()
        tensor = _tensor(tensor)
        core, lead, trail = _entries(spec)
        if lead or trail:
            checks.append(assert_rank_at_least(tensor, len(core), message=message))
        else:
            checks.append(assert_rank(tensor, len(core), message=message))
        for i, symbol in enumerate(core):
            _check_extent(tensor, i - len(core) if lead else i, symbol, sizes, head, checks, data)
    checks = [c for c in checks if c is not None]
    return group(*checks, name=name) if STATE.graph is not None else None


def _check_extent(tensor, index, symbol, sizes, head, checks, data):
    if symbol is None or symbol == ".":
        return
    rank = tensor.shape.rank
    static = tensor.shape[index] if rank is not None else None
    shape = raw.Shape(input=tensor) if static is None else None
    have = static if static is not None else shape[index]
    label = (
        f"Tensor {_name(tensor)}".rstrip()
        if STATE.graph is not None
        else (f"Tensor shape={tensor.shape} dtype={tensor.dtype.name}")
    )
    position = index if index >= 0 or rank is None else index + rank
    described = f"{label} dimension {position}"
    number = isinstance(symbol, (int, np.integer)) or (isinstance(symbol, str) and symbol.isdigit())
    if number:
        wanted, origin = int(symbol), "Specified explicitly."
    elif symbol in sizes:
        wanted, where = sizes[symbol]
        origin = f"Specified by {where}."
    else:
        where = described[0].lower() + described[1:]
        sizes[symbol] = (have, where)
        return
    if isinstance(wanted, int) and isinstance(have, int):
        if wanted != have:
            raise ValueError(
                f"{head}{origin}  {described} must have size {wanted}.  Received size {have}, shape "
                f"{tensor.shape}"
            )
        return
    condition = raw.Equal(x=convert_to_tensor(have), y=convert_to_tensor(wanted))
    shown = data or [f"{head}{origin}  {described} must have size", convert_to_tensor(wanted)]
    checks.append(Assert(condition, shown))
