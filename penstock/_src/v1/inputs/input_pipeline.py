"""Queue-based input pipelines: input producers, and queues that form batches."""

import functools

from penstock._src.api.dataflow.queues import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from penstock._src.api.random.functions import shuffle as shuffled
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.inputs.queue_runner import QueueRunner, add_queue_runner
from penstock._src.v1.names.declared import declare
from penstock._src.v1.summaries.summary import scalar
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.scopes import get_variable, variable_scope


def _graph(what):
    if STATE.graph is None:
        raise RuntimeError(
            f"{what} is not supported when eager execution is enabled. Please use tf.data to get "
            "data into your model."
        )
    return STATE.graph


def _summary(name, size, capacity):
    scalar(name, raw.Cast(x=size, DstT=dtypes.float32) * (1.0 / capacity))


@export(v1=["train.limit_epochs"])
def limit_epochs(tensor, num_epochs=None, name=None):
    """Returns `tensor`, limited to `num_epochs` evaluations; further ones raise OutOfRangeError.

    Args:
      tensor: any tensor.
      num_epochs: None for no limit.
      name: of the operations.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    graph = _graph("limit_epochs")
    with (
        graph.name_scope(name or "limit_epochs") as scope,
        variable_scope(None, "limit_epochs", auxiliary_name_scope=False),
    ):
        epochs = get_variable(
            "epochs",
            dtype=dtypes.int64,
            initializer=convert_to_tensor(0, dtypes.int64),
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )
        counted = epochs.count_up_to(num_epochs)
        with graph.control_dependencies([counted]):
            return raw.Identity(input=tensor, name=scope)


@export(v1=["train.input_producer"])
def input_producer(
    input_tensor,
    element_shape=None,
    num_epochs=None,
    shuffle=True,
    seed=None,
    capacity=32,
    shared_name=None,
    summary_name=None,
    name=None,
    cancel_op=None,
):
    """Returns a queue that a QueueRunner fills with the rows of a tensor.

    Args:
      input_tensor: the rows.
      element_shape: the shape of a row, if the tensor's is not known.
      num_epochs: how often all rows are enqueued; None for no limit.
      shuffle: whether the order is random.
      seed: of the order.
      capacity: of the queue.
      shared_name: under which sessions share the queue.
      summary_name: the name of the summary of the queue's fill level.
      name: of the operations.
      cancel_op: closes the queue at once.
    """
    graph = _graph("Input pipelines based on Queues")
    with graph.name_scope(name or "input_producer"):
        rows = convert_to_tensor(input_tensor)
        shape = rows.shape[1:].merge_with(element_shape)
        if not shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be "
                "specified"
            )
        if shuffle:
            rows = shuffled(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(
            capacity, [rows.dtype], [shape], shared_name=shared_name, name=_last(name)
        )
        runner = QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op)
        add_queue_runner(runner)
        _summary(summary_name or f"fraction_of_{capacity}_full", queue.size(), capacity)
        return queue


def _last(name):
    return (name or "input_producer").rpartition("/")[2]


@export(v1=["train.string_input_producer"])
def string_input_producer(
    string_tensor,
    num_epochs=None,
    shuffle=True,
    seed=None,
    capacity=32,
    shared_name=None,
    name=None,
    cancel_op=None,
):
    """Returns a queue that a QueueRunner fills with strings, such as file names."""
    if not isinstance(string_tensor, str) and isinstance(string_tensor, (list, tuple)):
        if not string_tensor:
            raise ValueError("string_input_producer requires a non-null input tensor")
    strings = convert_to_tensor(string_tensor, dtypes.string)
    return input_producer(
        strings, [], num_epochs, shuffle, seed, capacity, shared_name, None, name, cancel_op
    )


@export(v1=["train.range_input_producer"])
def range_input_producer(
    limit, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns a queue that a QueueRunner fills with the numbers below `limit`."""
    numbers = raw.Range(start=0, limit=limit, delta=1)
    return input_producer(numbers, [], num_epochs, shuffle, seed, capacity, shared_name, None, name)


@export(v1=["train.slice_input_producer"])
def slice_input_producer(
    tensor_list, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns tensors with the next row of each given tensor."""
    tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
    if not tensors:
        raise ValueError("Expected at least one tensor in slice_input_producer().")
    graph = _graph("Input pipelines based on Queues")
    with graph.name_scope(name or "input_producer"):
        count = raw.Shape(input=tensors[0])[0]
        queue = range_input_producer(count, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [raw.GatherV2(params=tensor, indices=index, axis=0) for tensor in tensors]


def _made_batches(
    what,
    batch_size,
    capacity,
    tensors=None,
    tensors_list=None,
    min_after_dequeue=None,
    seed=None,
    num_threads=1,
    keep_input=True,
    enqueue_many=False,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Enqueues examples with QueueRunners; returns batches of them. See `_ARGUMENTS`."""
    tensors_list = [tensors] if tensors_list is None else list(tensors_list)
    if min_after_dequeue is None:
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        make_queue = functools.partial(kind, capacity, shared_name=shared_name)
        label, least = f"fraction_of_{capacity}_full", 0
    else:
        least = min_after_dequeue
        make_queue = functools.partial(
            RandomShuffleQueue, capacity, least, seed=seed, shared_name=shared_name
        )
        label = f"fraction_over_{least}_of_{capacity - least}_full"
    graph = _graph("Input pipelines based on Queues")
    if not tensors_list:
        raise ValueError(f"{what}: there are no tensors.")
    flat = [[convert_to_tensor(t) for t in nest.flatten(one)] for one in tensors_list]
    if len({len(one) for one in flat}) > 1:
        raise ValueError("All of tensors_list must have the same structure.")
    with graph.name_scope(name or what) as scope:
        known = shapes or [_common(column, enqueue_many) for column in zip(*flat, strict=True)]
        queue = make_queue([tensor.dtype for tensor in flat[0]], known)
        enqueues = [_enqueue(queue, one, keep_input, enqueue_many) for one in flat]
        add_queue_runner(QueueRunner(queue, enqueues * num_threads))
        if capacity > least:
            _summary(label, raw.Maximum(x=0, y=queue.size() - least), capacity - least)
        take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
        taken = take(batch_size, name=scope)
        taken = list(taken) if isinstance(taken, (list, tuple)) else [taken]
        first = tensors_list[0]
        if not nest.is_nested(first) or (isinstance(first, (list, tuple)) and len(first) == 1):
            return taken[0]
        return nest.pack_sequence_as(first, taken)


def _common(column, enqueue_many):
    """The common static shape of one component of the examples over all threads."""
    shape = None
    for tensor in column:
        here = tensor.shape[1:] if enqueue_many else tensor.shape
        shape = here if shape is None else shape.most_specific_compatible_shape(here)
    return TensorShape(shape)


def _enqueue(queue, tensors, keep_input, enqueue_many):
    if keep_input is True:
        return queue.enqueue_many(tensors) if enqueue_many else queue.enqueue(tensors)
    keep = convert_to_tensor(keep_input, dtypes.bool_)
    if enqueue_many and keep.shape.rank == 1:
        picks = raw.Where(condition=keep)[:, 0]
        return queue.enqueue_many(
            [raw.GatherV2(params=tensor, indices=picks, axis=0) for tensor in tensors]
        )
    count = raw.Cast(x=keep, DstT=dtypes.int32)
    if enqueue_many:
        return queue.enqueue_many(
            [tensor[: raw.Shape(input=tensor)[0] * count] for tensor in tensors]
        )
    rows = [raw.ExpandDims(input=tensor, axis=0)[:count] for tensor in tensors]
    return queue.enqueue_many(rows)


_ARGUMENTS = """

Args:
  tensors: one example, a list or dict of tensors; or `tensors_list`, those of several sources, with a thread for each.
  keep_input: whether the example is taken.
  batch_size: how many examples a batch has.
  capacity: of the queue.
  min_after_dequeue: how many examples stay in the queue to be mixed with others.
  num_threads: that compute examples.
  seed: of the order.
  enqueue_many: whether `tensors` are several examples.
  shapes: of an example's tensors; by default as known.
  dynamic_pad: whether examples of other shapes are padded within a batch.
  allow_smaller_final_batch: whether the last batch may be smaller.
  shared_name: under which sessions share the queue.
  name: of the operations.
"""


def _batching(name, parameters, meaning):
    """Creates a public function of `tf.compat.v1.train` with these parameters."""
    call = lambda given: _made_batches(name.removeprefix("maybe_"), **given)  # noqa: E731
    return declare(__name__, f"train.{name}", parameters, call, meaning + _ARGUMENTS)


_LAST = "allow_smaller_final_batch=False, shared_name=None, name=None"
_REST = f"enqueue_many=False, shapes=None, dynamic_pad=False, {_LAST}"
batch = _batching(
    "batch",
    f"tensors, batch_size, num_threads=1, capacity=32, {_REST}",
    "Returns batches of examples, which a QueueRunner puts into a queue.",
)
maybe_batch = _batching(
    "maybe_batch",
    f"tensors, keep_input, batch_size, num_threads=1, capacity=32, {_REST}",
    "`batch` of the examples for which `keep_input` is true.",
)
batch_join = _batching(
    "batch_join",
    f"tensors_list, batch_size, capacity=32, {_REST}",
    "`batch` of examples of several sources, with a thread for each.",
)
maybe_batch_join = _batching(
    "maybe_batch_join",
    f"tensors_list, keep_input, batch_size, capacity=32, {_REST}",
    "`batch_join` of the examples for which `keep_input` is true.",
)

_REST = f"seed=None, enqueue_many=False, shapes=None, {_LAST}"
_MIXED = "batch_size, capacity, min_after_dequeue"
shuffle_batch = _batching(
    "shuffle_batch",
    f"tensors, {_MIXED}, num_threads=1, {_REST}",
    "Returns batches of examples in random order.",
)
maybe_shuffle_batch = _batching(
    "maybe_shuffle_batch",
    f"tensors, {_MIXED}, keep_input, num_threads=1, {_REST}",
    "`shuffle_batch` of the examples for which `keep_input` is true.",
)
shuffle_batch_join = _batching(
    "shuffle_batch_join",
    f"tensors_list, {_MIXED}, {_REST}",
    "`shuffle_batch` of examples of several sources, with a thread for each.",
)
maybe_shuffle_batch_join = _batching(
    "maybe_shuffle_batch_join",
    f"tensors_list, {_MIXED}, keep_input, {_REST}",
    "`shuffle_batch_join` of the examples for which `keep_input` is true.",
)
