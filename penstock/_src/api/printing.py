"""tf.print, the logger, and TensorProtos."""

import logging
import pprint
import sys

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.util import nest
from penstock._src.util.export import export


class _Placeholder:
    """Prints as StringFormat's placeholder."""

    def __repr__(self):
        return "{}"


def _stream_name(stream):
    if stream is None or stream is sys.stderr:
        return "stderr"
    if stream is sys.stdout:
        return "stdout"
    if stream in (logging.info, logging.warning, logging.error):
        return f"log({stream.__name__})"
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    raise ValueError(
        f"Unsupported output stream, logging level, or file.{stream}. Supported streams "
        f"are sys.stdout, sys.stderr, ..., or a path beginning with 'file://'."
    )


def _is_tensor(value):
    return isinstance(value, Tensor) or getattr(value, "_is_tensor_like", False)


@export("print")
def print(*inputs, **kwargs):
    """Prints tensors and other objects when the program runs.

    In a function it prints at each run, where Python's `print` would print while the function is
    traced.

    Args:
      *inputs: what is printed, structures of tensors included.
      **kwargs: `output_stream` (`sys.stderr` by default, `sys.stdout`, a logging function or
        "file://path"), `summarize` (how many entries at both ends of each axis, 3; -1 for all),
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
    templates, tensors = [], []
    for value in inputs:
        if isinstance(value, str):
            templates.append(value)
            continue
        templates.append(_template(value, tensors))
    text = _joined(templates, tensors, inputs, sep, summarize)
    return raw.PrintV2(input=text, output_stream=stream, end=end, name=name)


def _template(value, tensors):
    """The template of a value, with placeholders for its tensors, which are appended to the list."""
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):
        tensors.extend([value.indices, value.values, value.dense_shape])
        return "'SparseTensor(indices={}, values={}, shape={})'"
    if hasattr(value, "row_splits"):
        return _ragged_text(value, tensors)
    if not nest.is_nested(value):
        if _is_tensor(value):
            tensors.append(convert_to_tensor(value))
            return "{}"
        return str(value)
    shown = nest.map_structure(lambda v: _Placeholder() if _is_tensor(v) else v, value)
    tensors.extend(convert_to_tensor(v) for v in nest.flatten(value) if _is_tensor(v))
    return pprint.pformat(shown)


def _ragged_text(value, tensors):
    if hasattr(value.flat_values, "numpy"):
        return str(value.to_list())
    tensors.extend([value.flat_values, value.row_splits])
    return "tf.RaggedTensor(values={}, row_splits={})"


def _joined(templates, tensors, inputs, sep, summarize):
    """One string: each template with its tensors formatted, joined by `sep`."""
    parts, used = [], 0
    for template, value in zip(templates, inputs, strict=True):
        if isinstance(value, str):
            parts.append(convert_to_tensor(value))
            continue
        count = template.count("{}") if _needs_tensors(value) else 0
        mine = tensors[used : used + count]
        used += count
        if (
            count == 1
            and template == "{}"
            and mine[0].dtype == dtypes.string
            and (mine[0].shape.rank == 0)
        ):
            parts.append(mine[0])
        elif count:
            parts.append(
                raw.StringFormat(
                    inputs=mine, template=template, placeholder="{}", summarize=summarize
                )
            )
        else:
            parts.append(convert_to_tensor(template))
    if not parts:
        return convert_to_tensor("")
    return parts[0] if len(parts) == 1 else raw.StringJoin(inputs=parts, separator=sep)


def _needs_tensors(value):
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):
        return True
    if hasattr(value, "row_splits"):
        return not hasattr(value.flat_values, "numpy")
    return any(_is_tensor(v) for v in nest.flatten(value))


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
      values: an array, nested list or number.
      dtype: of the tensor.
      shape: of the tensor; a single value is broadcast if `allow_broadcast`.
      verify_shape: raise TypeError unless the values have exactly `shape`.
      allow_broadcast: whether a single value may fill `shape`.

    Returns:
      A TensorProto.

    Raises:
      TypeError: the values have another shape, with `verify_shape`, or no such dtype.
    """
    kind = None if dtype is None else dtypes.as_dtype(dtype)
    with building_unrecorded(None):  # a message needs no node of the graph that is built
        tensor = convert_to_tensor(values, dtype=kind)
    array = np.asarray(tensor.numpy(), dtype=object if tensor.dtype == dtypes.string else None)
    if shape is not None:
        wanted = [int(n) for n in shape]
        if verify_shape and list(array.shape) != wanted:
            raise TypeError(f"Expected Tensor's shape: {tuple(wanted)}, but got {array.shape}.")
        if array.size == 1 and allow_broadcast:
            array = np.broadcast_to(array.reshape(()), wanted)
        array = array.reshape(wanted)
    return to_proto(np.ascontiguousarray(array).reshape(array.shape), tensor.dtype)


@export("make_ndarray")
def make_ndarray(tensor):
    """The array in a TensorProto.

    Args:
      tensor: a TensorProto.

    Returns:
      A NumPy array.
    """
    return from_proto(tensor)
