"""Assertions about ranks, shapes and types."""

import collections.abc

import numpy as np

from penstock._src.api.control.scopes import control_dependencies, group, no_op
from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

from .asserts import Assert, describe


def _name(x):
    return getattr(x, "name", "") if STATE.graph is not None else ""


def _tensor(x):
    if isinstance(x, Tensor) or hasattr(type(x), "_type_spec"):
        return x
    return convert_to_tensor(x, name="x")


def _check_rank(x, wanted, holds, dynamic, phrase, message):
    """Checks the static rank, or adds assertions about the dynamic one.

    Args:
      x: the tensor.
      wanted: ranks.
      holds: whether a rank is as the ranks demand.
      dynamic: the same for tensors.
      phrase: "" or what stands before the ranks in messages.
      message: put before the error's text.
    """
    x = _tensor(x)
    head = f"{message}.  " if message else ""
    tensors = [convert_to_tensor(rank, name="rank") for rank in wanted]
    for tensor in tensors:
        assert_type(tensor, dtypes.int32)
    ranks = [_rank_value(tensor) for tensor in tensors]
    if x.shape.rank is not None and None not in ranks:
        if not holds(x.shape.rank, ranks):
            shown = ranks[0] if phrase != "in " else tuple(ranks)
            raise ValueError(
                f"{head}Tensor {_name(x)} must have rank {phrase}{shown}.  Received rank "
                f"{x.shape.rank}, shape {x.shape}"
            )
        return None if STATE.graph is None else no_op(name="static_checks_determined_all_ok")
    checks = [_assert_scalar_rank(t) for t in tensors if t.shape.rank is None]
    data = [head, f"Tensor {_name(x)} must have rank {phrase}".rstrip(), *tensors,
            "Received shape: ", _dynamic_shape(x)]  # fmt: skip
    with control_dependencies([check for check in checks if check is not None]):
        return Assert(dynamic(_dynamic_rank(x), tensors), data)


def _assert_scalar_rank(rank):
    """Asserts that a rank of unknown shape is a scalar."""
    return Assert(
        raw.Equal(x=raw.Rank(input=rank), y=0),
        ["Rank must be a scalar. Received rank: ", rank],
        name="assert_rank",
    )


def _dynamic_shape(x):
    """The shape as a tensor."""
    dense_shape = getattr(x, "dense_shape", None)
    return raw.Shape(input=x) if dense_shape is None else raw.Cast(x=dense_shape, DstT=dtypes.int32)


def _dynamic_rank(x):
    dense_shape = getattr(x, "dense_shape", None)
    return raw.Rank(input=x) if dense_shape is None else raw.Size(input=dense_shape)


def _rank_value(tensor):
    if tensor.shape.rank not in (None, 0):
        raise ValueError("Rank must be a scalar.")
    known = get_static_value(tensor)
    return None if known is None else int(known)


@dispatchable("debugging.assert_rank", "assert_rank", v1=[])
def assert_rank(x, rank, message=None, name=None):
    """Raises an error unless `x` has a rank.

    Args:
      x: a tensor.
      rank: an integer scalar.
      message: how the text of the error begins.
      name: a name for the operation.

    Returns:
      In a graph the operation that checks, else None.

    Raises:
      ValueError: the static rank is another.
      InvalidArgumentError: the rank turns out to be another at run time.

    >>> tf.debugging.assert_rank([[1, 2]], 2)
    """
    with scope_in_graph(name, "assert_rank"):
        return _check_rank(
            x,
            [rank],
            lambda have, want: have == want[0],
            lambda have, want: raw.Equal(x=have, y=want[0]),
            "",
            message,
        )


@dispatchable("debugging.assert_rank_at_least", v1=[])
def assert_rank_at_least(x, rank, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has this rank or more.

    Args:
      x: a tensor of any dtype.
      rank: an integer or an integer scalar.
      message: how the text of the error begins.
      name: of the operation.

    Returns:
      In a graph the operation that checks, else None.
    """
    with scope_in_graph(name, "assert_rank_at_least"):
        return _check_rank(
            x,
            [rank],
            lambda have, want: have >= want[0],
            lambda have, want: raw.GreaterEqual(x=have, y=want[0]),
            "at least ",
            message,
        )


@dispatchable("debugging.assert_rank_in", v1=[])
def assert_rank_in(x, ranks, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has one of these ranks.

    Args:
      x: a tensor of any dtype.
      ranks: a list of integers or integer scalars.
      message: how the text of the error begins.
      name: of the operation.

    Returns:
      In a graph the operation that checks, else None.
    """
    with scope_in_graph(name, "assert_rank_in"):
        return _check_rank(
            x,
            list(ranks),
            lambda have, want: have in want,
            lambda have, want: raw.Any(
                input=raw.Pack(values=[raw.Equal(x=have, y=w) for w in want]), axis=[0]
            ),
            "in ",
            message,
        )


@dispatchable("debugging.assert_type", v1=[], scope="assert_type")
def assert_type(tensor, tf_type, message=None, name=None):
    """Raises TypeError unless `tensor` has this type.

    Args:
      tensor: a tensor, SparseTensor or RaggedTensor.
      tf_type: a dtype.
      message: how the text of the error begins.
      name: of the operation.

    Returns:
      In a graph an operation that does nothing, else None.

    Raises:
      TypeError: it has another dtype.
    """
    wanted = dtypes.as_dtype(tf_type)
    tensor = _tensor(tensor)
    have = tensor.dtype.base_dtype
    if have != wanted:
        head = f"{message}.  " if message else ""
        which = _name(getattr(tensor, "flat_values", tensor)) or "tensor"
        raise TypeError(f"{head}{which} must be of type tf.{wanted.name}; got tf.{have.name}")
    return None if STATE.graph is None else no_op(name="statically_determined_correct_type")


@unary("debugging.assert_integer", v1=[])
def assert_integer(x, message=None, name=None):
    """Raises TypeError unless `x` is of an integer type.

    Args:
      x: a tensor.
      message: how the text of the error begins.
      name: of the operation.
    """
    check_integer(x, message)


def check_integer(x, message):
    """Raises TypeError unless `x` is of an integer type."""
    x = _tensor(x)
    if not x.dtype.is_integer:
        head = f"{message}.  " if message else ""
        which = _name(getattr(x, "flat_values", x)) or "tensor"
        raise TypeError(
            f'{head}Expected "x" to be integer type.  Found: {which} of dtype {x.dtype}'
        )


@export("debugging.is_numeric_tensor", v1=["debugging.is_numeric_tensor", "is_numeric_tensor"])
def is_numeric_tensor(tensor):
    """True if `tensor` is a tensor of numbers.

    Args:
      tensor: any object.

    Returns:
      A bool.
    """
    return isinstance(tensor, Tensor) and tensor.dtype.base_dtype.is_numeric


@export(
    "debugging.assert_proper_iterable",
    v1=["debugging.assert_proper_iterable", "assert_proper_iterable"],
)
def assert_proper_iterable(values):
    """Raises TypeError unless `values` is a collection to iterate over, and not one value.

    Args:
      values: any object.

    Raises:
      TypeError: it is a tensor, an array or a string, or can't be iterated over.
    """
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

    Args:
      tensors: a list of tensors and None, which is ignored.
      dtype: what their dtype must be; None: that of the first tensor.

    Returns:
      A DType.

    Raises:
      ValueError: the dtypes differ or are not floating point.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    first = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        have = tensor.dtype.base_dtype
        if wanted is None:
            wanted, first = have, tensor
        elif have != wanted:
            than = f" as {first!s}" if first is not None else ""
            raise ValueError(f"{tensor!s}, type={have}, must be of the same type ({wanted}){than}.")
    wanted = dtypes.float32 if wanted is None else wanted
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted


_ANY_NUMBER = ("*", "...", Ellipsis)  # of dimensions, at the beginning of a shape


def _symbols(described, spec, head):
    """The symbols of a shape, and whether any number of dimensions may stand before them."""
    if not (hasattr(spec, "__iter__") or hasattr(spec, "__getitem__")):
        raise ValueError(
            f"{head}Tensor {described}.  Specified shape must be an iterable.  An iterable has the "
            "attribute `__iter__` or `__getitem__`.  Received specified shape: "
            f"{spec}"
        )
    symbols = [_symbol(entry) for entry in (spec.tolist() if hasattr(spec, "tolist") else spec)]
    if not symbols:
        return [1], False  # a scalar
    is_open = symbols[0] in _ANY_NUMBER
    for index, symbol in enumerate(symbols):
        if index and symbol in _ANY_NUMBER:
            raise ValueError(
                f"{head}Tensor {described} specified shape index {index}.  Symbol `...` or `*` for a "
                "variable number of unspecified dimensions is only allowed as the first entry"
            )
    return symbols[is_open:], is_open


def _symbol(entry):
    """A size as a number, any size as None, else the entry."""
    if isinstance(entry, Dimension):
        entry = entry.value
    if entry == ".":
        return None
    if isinstance(entry, (int, np.integer)) or (isinstance(entry, str) and entry.isdigit()):
        return int(entry)
    return entry


@dispatchable("debugging.assert_shapes", v1=[])
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless shapes match their specifications.

    A scalar and a vector of one element are of each other's shape.

    Args:
      shapes: pairs (or a dict) of tensor and shape: a tuple (or string) of sizes, symbols for
        equal sizes, None or "." (any size), and "..." or "*" at the beginning for any number of
        dimensions. A shape of None is not checked.
      data: shown when an assertion in a graph fails.
      summarize: how many entries of it.
      message: put before the error's text.
      name: a name for the operation.

    Example:
      >>> tf.debugging.assert_shapes([(tf.ones([2, 3]), ("N", 3)), (tf.ones([2]), ("N",))])
    """
    shapes_checked(shapes, data, summarize, message, name)


def shapes_checked(shapes, data=None, summarize=None, message=None, name=None):
    """Checks as `assert_shapes`; returns the operation that checks in a graph, as TensorFlow 1 does, else None."""
    pairs = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    sizes = _Sizes(data, summarize, f"{message}.  " if message else "")
    with scope_in_graph(name, "assert_shapes"):
        wanted = []
        for tensor, spec in pairs:
            tensor = _tensor(tensor.deref() if hasattr(tensor, "deref") else tensor)
            if spec is None:
                continue
            wanted.append((tensor, *_symbols(describe(tensor), spec, sizes.head)))
        checks = [_check_rank_of(*row, message) for row in wanted]
        with control_dependencies([check for check in checks if check is not None]):
            for tensor, symbols, is_open in wanted:
                for i, symbol in enumerate(symbols):
                    sizes.check(tensor, i - len(symbols) if is_open else i, symbol)
        if STATE.graph is None:
            return None
        return group(*[c for c in checks + sizes.checks if c is not None])


def _check_rank_of(tensor, symbols, is_open, message):
    """Checks that a tensor has as many dimensions as symbols."""
    if is_open:
        return assert_rank_at_least(tensor, len(symbols), message=message)
    if len(symbols) == 1 and symbols[0] is not None:
        return assert_rank_in(tensor, [0, 1], message=message)
    return assert_rank(tensor, len(symbols), message=message)


class _Sizes:
    """The sizes of symbols, and the assertions about sizes known only at run time."""

    def __init__(self, data, summarize, head):
        self.head, self.checks = head, []
        self._data, self._summarize, self._known = data, summarize, {}

    def check(self, tensor, index, symbol):
        """Checks the size of a dimension, or keeps it for the symbol."""
        if symbol is None:
            return
        described, have = describe(tensor), _extent(tensor, index)
        if isinstance(symbol, int):
            wanted, origin = symbol, "Specified explicitly"
        elif symbol in self._known:
            wanted, origin = self._known[symbol]
        else:
            self._known[symbol] = (have, f"Specified by tensor {described} dimension {index}")
            return
        if isinstance(wanted, int) and isinstance(have, int):
            if wanted != have:
                raise ValueError(
                    f"{self.head}{origin}.  Tensor {described} dimension {index} must have size "
                    f"{wanted}.  Received size {have}, shape {tensor.shape}"
                )
            return
        shown = self._data or [
            self.head, origin, f"Tensor {described} dimension", index, "must have size", wanted,
            "Received shape: ", _dynamic_shape(tensor),
        ]  # fmt: skip
        condition = raw.Equal(x=convert_to_tensor(have), y=convert_to_tensor(wanted))
        self.checks.append(Assert(condition, shown, summarize=self._summarize))


def _extent(tensor, index):
    """The size of a dimension: a number if it is known; 1 for a scalar."""
    rank = tensor.shape.rank
    if rank == 0:
        return 1
    if rank is not None and tensor.shape[index] is not None:
        return tensor.shape[index]
    shape = _dynamic_shape(tensor)
    if rank is None and index == 0:  # it may be a scalar
        shape = raw.ConcatV2(values=[shape, [1]], axis=0)
    return shape[index]
