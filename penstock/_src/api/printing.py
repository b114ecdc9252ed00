"""tf.print, the logger, and TensorProtos."""

import logging
import math
import pprint
import sys

import numpy as np

from penstock._src.api.strings import functions as strings
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor, is_tensor_message
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.util import nest
from penstock._src.util.export import export

# The streams of levels of tf.compat.v1.logging, and of absl.logging's.
_LEVELS = {
    logging.INFO: "log(info)",
    logging.WARNING: "log(warning)",
    logging.ERROR: "log(error)",
    0: "log(info)",
    -1: "log(warning)",
    -2: "log(error)",
}
# absl.logging's functions, which need not be installed.
_OF_ABSL = {("absl.logging", name): f"log({name})" for name in ("info", "warning", "error")}


class _Shown:
    """Prints as a text."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


def _stream_name(stream):
    if stream is None or stream is sys.stderr:
        return "stderr"
    if stream is sys.stdout:
        return "stdout"
    if stream in (logging.info, logging.warning, logging.error):
        return f"log({stream.__name__})"
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    function = getattr(stream, "__module__", None), getattr(stream, "__name__", None)
    if function in _OF_ABSL:
        return _OF_ABSL[function]
    # The functions of tf.compat.v1.logging say which stream they are.
    level = stream if isinstance(stream, int) else getattr(stream, "output_stream", None)
    name = _LEVELS.get(level, level)
    if name in _LEVELS.values():
        return name
    raise ValueError(
        f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, sys.stderr, "
        "tf.logging.info, tf.logging.warning, tf.logging.error. File needs to be in the form of 'file://<filepath>'."
    )


def _is_tensor(value):
    return isinstance(value, (Tensor, IndexedSlices)) or getattr(value, "_is_tensor_like", False)


@export("print")
def print(*inputs, **kwargs):
    """Prints tensors and other objects when the program runs.

    In a function it prints at each run, where Python's `print` would print while the function is
    traced.

    Args:
      *inputs: what is printed, structures of tensors included.
      **kwargs: `output_stream` (`sys.stderr` by default, `sys.stdout`, "file://path", or
        `tf.compat.v1.logging.info`, `warning` or `error`, to write as the runtime's log does), `summarize` (how many entries at both ends of each axis, 3; -1 for all),
        `sep` (" "), `end` (a new line) and `name`.

    Returns:
      In a graph the operation, else None.

    Raises:
      ValueError: there is another keyword, or another stream.

    >>> import sys
    >>> tf.print("x =", tf.range(10), summarize=2, output_stream=sys.stdout)
    x = [0 1 ... 8 9]
    """
    stream = _stream_name(kwargs.pop("output_stream", None))
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}.")
    if len(inputs) == 1 and _is_text(inputs[0]):
        text = convert_to_tensor(inputs[0])
    else:
        parts = [_part(value, summarize) for value in inputs] or [convert_to_tensor("")]
        text = parts[0] if len(parts) == 1 else raw.StringJoin(inputs=parts, separator=sep)
    return raw.PrintV2(input=text, output_stream=stream, end=end, name=name)


def _is_text(value):
    """True for a tensor of one string, which is printed without quotes if nothing else is."""
    return _is_tensor(value) and value.dtype == dtypes.string and value.shape.rank == 0


def _part(value, summarize):
    """The text of a value, a string tensor."""
    if isinstance(value, str):
        return convert_to_tensor(value)
    tensors = []
    mark = "{}"
    while mark in _template(value, [], ""):  # a text of its own, not the position of a tensor
        mark = f"<{mark}>" if mark != "{}" else "<tensor>"
    template = _template(value, tensors, mark)
    if not tensors:
        return convert_to_tensor(template)
    return strings.format(template, tensors, mark, summarize)  # ragged ones by its override


def _template(value, tensors, mark):
    """The template of a value, with a mark for each of its tensors, which are appended to the list."""
    if not nest.is_nested(value):
        return _template_of_one(value, tensors, mark)

    def shown(leaf):
        is_plain = not (_is_tensor(leaf) or _is_sparse(leaf) or _is_ragged(leaf))
        return leaf if is_plain else _Shown(_template_of_one(leaf, tensors, mark))

    return pprint.pformat(nest.map_structure(shown, value))


def _template_of_one(value, tensors, mark):
    if _is_sparse(value):
        tensors.extend([value.indices, value.values, value.dense_shape])
        return f"'SparseTensor(indices={mark}, values={mark}, shape={mark})'"
    if _is_ragged(value) or _is_tensor(value):
        tensors.append(value if _is_ragged(value) else convert_to_tensor(value))
        return mark
    return pprint.pformat(value)


def _is_sparse(value):
    has_parts = hasattr(value, "dense_shape") and hasattr(value, "indices")
    return has_parts and not isinstance(value, IndexedSlices)


def _is_ragged(value):
    return hasattr(value, "row_splits")


@export("get_logger")
def get_logger():
    """Returns the logger that TensorFlow's messages go to.

    Returns:
      A `logging.Logger`.

    >>> tf.get_logger().name
    'tensorflow'
    """
    logger = logging.getLogger("tensorflow")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    return logger


@export("make_tensor_proto")
def make_tensor_proto(values, dtype=None, shape=None, verify_shape=False, allow_broadcast=False):
    """`values` as a TensorProto.

    Args:
      values: an array, nested list or number; a TensorProto is returned as it is.
      dtype: of the tensor.
      shape: of the tensor; of fewer values, readers of the message repeat the last one.
      verify_shape: raise TypeError unless the values have exactly `shape`.
      allow_broadcast: if true, only a single value may stand for more.

    Returns:
      A TensorProto.

    Raises:
      TypeError: the values have another shape, with `verify_shape`, or no such dtype.
    """
    if values is None:
        raise ValueError("None values not supported.")
    if is_tensor_message(values):
        return values
    kind = None if dtype is None else dtypes.as_dtype(dtype)
    with building_unrecorded(None):  # a message needs no node of the graph that is built
        tensor = _tensor_of(values, kind)
    array = np.asarray(tensor.numpy(), dtype=object if tensor.dtype == dtypes.string else None)
    if shape is None:
        return to_proto(np.ascontiguousarray(array).reshape(array.shape), tensor.dtype)
    wanted = [int(n) for n in shape]
    count = math.prod(wanted)
    is_one = array.size == 1 and allow_broadcast
    if (
        verify_shape
        and list(array.shape) != wanted
        or (allow_broadcast and not is_one and array.size != count)
    ):
        raise TypeError(f"Expected Tensor's shape: {tuple(wanted)}, but got {array.shape}.")
    if array.size > count > 0:
        raise ValueError(
            f"Too many elements provided. Takes at most {count}, but got {array.size}."
        )
    return to_proto(array, tensor.dtype, wanted)


def _tensor_of(values, kind):
    try:
        return convert_to_tensor(values, dtype=kind)
    except (TypeError, ValueError) as error:
        if "non-rectangular" in str(error):
            raise
        if kind is None:
            raise TypeError(
                f"Failed to convert elements of {values} to Tensor. Consider casting elements to a supported type. See "
                "https://www.tensorflow.org/api_docs/python/tf/dtypes for supported TF dtypes."
            ) from error
        for leaf in nest.flatten(values):
            if not _is_of(leaf, kind):
                raise TypeError(
                    f"Expected {kind.name}, but got {leaf} of type '{type(leaf).__name__}'."
                ) from error
        raise


def _is_of(leaf, kind):
    try:
        convert_to_tensor(leaf, dtype=kind)
    except (TypeError, ValueError):
        return False
    return True


@export("make_ndarray")
def make_ndarray(tensor):
    """The array in a TensorProto.

    Args:
      tensor: a TensorProto.

    Returns:
      A NumPy array.
    """
    return np.array(from_proto(tensor))
