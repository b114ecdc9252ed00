"""Queue-based input pipelines: queues that are filled with the rows of tensors."""

from penstock._src.api.dataflow.queues import FIFOQueue
from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.random.functions import shuffle as shuffled
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.v1.inputs.queue_runner import QueueRunner, add_queue_runner
from penstock._src.v1.summaries.summary import scalar
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.scopes import get_variable, variable_scope


def graph_of(what):
    """Returns the graph that is built; a queue of an input pipeline needs one.

    Raises:
      RuntimeError: code runs eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError(
            f"{what} are not supported when eager execution is enabled. Please use tf.data to ingest data "
            "into your model instead."
        )
    return STATE.graph


def summarize(name, size, capacity):
    """Adds a summary of the part of a queue that is filled."""
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
    graph = graph_of("Limits of epochs")
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
    graph = graph_of("Input pipelines based on Queues")
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
            capacity, [rows.dtype], [shape], shared_name=shared_name, name=name or "FIFOQueueV2"
        )
        runner = QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op)
        add_queue_runner(runner)
        if summary_name is not None:
            summarize(summary_name, queue.size(), capacity)
        return queue


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
    message = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not len(string_tensor):
        raise ValueError(message)
    graph = graph_of("Input pipelines based on Queues")
    with graph.name_scope(name or "input_producer") as scope:
        strings = convert_to_tensor(string_tensor, dtypes.string)
        with graph.control_dependencies([Assert(raw.Size(input=strings) > 0, [message])]):
            strings = raw.Identity(input=strings)
        return input_producer(
            strings,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


@export(v1=["train.range_input_producer"])
def range_input_producer(
    limit, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns a queue that a QueueRunner fills with the numbers below `limit`."""
    graph = graph_of("Input pipelines based on Queues")
    with graph.name_scope(name or "input_producer") as scope:
        numbers = raw.Range(start=0, limit=limit, delta=1)
        full = f"fraction_of_{capacity}_full"
        return input_producer(
            numbers, [], num_epochs, shuffle, seed, capacity, shared_name, full, scope
        )


@export(v1=["train.slice_input_producer"])
def slice_input_producer(
    tensor_list, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns tensors with the next row of each given tensor."""
    tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
    if not tensors:
        raise ValueError("Expected at least one tensor in slice_input_producer().")
    graph = graph_of("Input pipelines based on Queues")
    with graph.name_scope(name or "input_producer"):
        count = raw.Shape(input=tensors[0])[0]
        queue = range_input_producer(count, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [raw.GatherV2(params=tensor, indices=index, axis=0) for tensor in tensors]
