"""Queue-based input pipelines: queues that form batches of examples."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.api.control.conditionals import cond
from penstock._src.api.dataflow.queues import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from penstock._src.api.io.parsing import (
    deserialize_many_sparse,
    serialize_many_sparse,
    serialize_sparse,
)
from penstock._src.api.sparse.functions import retain
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value
from penstock._src.v1.inputs.input_pipeline import graph_of, summarize
from penstock._src.v1.inputs.queue_runner import QueueRunner, add_queue_runner
from penstock._src.v1.names.declared import declare

Example = list[Any]


def as_list(tensors: Any) -> Any:
    """Returns the values of a dict in the order of its keys; a list unchanged."""
    if isinstance(tensors, dict):
        return [tensors[key] for key in sorted(tensors, key=str)]
    return tensors


def as_lists(tensors_list: Any) -> Any:
    """Returns the examples of several sources as lists of one length.

    Raises:
      ValueError: there are none, or they are dicts with different keys.
    """
    if not tensors_list:
        raise ValueError("Expected at least one set of tensors")
    if not isinstance(tensors_list[0], dict):
        return tensors_list
    if any(set(other.keys()) != set(tensors_list[0]) for other in tensors_list[1:]):
        raise ValueError("All dictionaries in tensors_list must have the same keys")
    return [as_list(tensors) for tensors in tensors_list]


def as_given(original: Any, taken: Any) -> Any:
    """Returns the dict that `as_list` made a list from; a single value represents a list of one."""
    if not isinstance(original, dict):
        return taken
    values = [taken] if len(original) == 1 else taken
    return {key: values[at] for at, key in enumerate(sorted(original, key=str))}


def _converted(tensors: Any, refusal: str) -> Example:
    """Returns the components of an example as tensors and sparse tensors."""
    whole = isinstance(tensors, Tensor)
    components = [
        one if isinstance(one, SparseTensor) else convert_to_tensor(one)
        for one in ([tensors] if whole else tensors)
    ]
    if not components:
        raise ValueError(refusal)
    return components


def _checked_keep(keep_input: Any, enqueue_many: bool) -> Tensor:
    """Returns `keep_input` as a tensor of a known rank.

    Raises:
      ValueError: its rank is not known, or is not that of the examples.
    """
    keep = convert_to_tensor(keep_input, dtypes.bool_)
    if keep.shape.rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if keep.shape.rank == 1 and not enqueue_many:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if keep.shape.rank > 1:
        raise ValueError("`keep_input` must be 0 or 1 dimensions.")
    return keep


def made_batches(
    what: str,
    batch_size: Any,
    capacity: int,
    tensors: Any = None,
    tensors_list: Any = None,
    min_after_dequeue: int | None = None,
    seed: int | None = None,
    num_threads: int = 1,
    keep_input: Any = True,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Enqueues examples with QueueRunners; returns batches of them. See `_ARGUMENTS`."""
    graph = graph_of("Input pipelines based on Queues")
    what = what.removeprefix("maybe_")
    joined = what.endswith("join")
    sources = as_lists(tensors_list) if joined else [as_list(tensors)]
    original = tensors_list[0] if joined else tensors
    with graph.name_scope(name or what) as scope:
        refusal = f"Expected at least one {'input' if joined else 'tensor'} in {what.replace('shuffle_', '')}()."
        examples = [_converted(source, refusal) for source in sources]
        keep = _checked_keep(keep_input, enqueue_many)
        stored = [_stored(example, keep, enqueue_many) for example in examples]
        sparse = [_rank_of_sparse(component, enqueue_many) for component in examples[0]]
        _check_alike(examples)
        known = shapes or [_common(column, enqueue_many) for column in zip(*stored, strict=True)]
        types = [tensor.dtype for tensor in stored[0]]
        queue = _queue(what, capacity, min_after_dequeue, seed, dynamic_pad, shared_name)(
            types, known
        )
        enqueues = [_enqueue(queue, one, keep, enqueue_many) for one in stored]
        add_queue_runner(QueueRunner(queue, enqueues * num_threads))
        _summarize(queue, capacity, min_after_dequeue)
        take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
        taken = take(batch_size, name=scope)
        taken = list(taken) if isinstance(taken, list | tuple) else [taken]
        restored = [_restored(*pair) for pair in zip(taken, sparse, strict=True)]
        return as_given(original, restored if len(restored) > 1 else restored[0])


def _queue(
    what: str,
    capacity: int,
    least: int | None,
    seed: int | None,
    dynamic_pad: bool,
    shared_name: str | None,
) -> functools.partial[Any]:
    """Returns what makes the queue from dtypes and shapes."""
    if least is None:
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        return functools.partial(kind, capacity, shared_name=shared_name)
    if capacity <= least and what == "shuffle_batch":
        raise ValueError(f"capacity {capacity} must be bigger than min_after_dequeue {least}.")
    return functools.partial(
        RandomShuffleQueue, capacity, least, seed=seed, shared_name=shared_name
    )


def _summarize(queue: Any, capacity: int, least: int | None) -> None:
    """Adds a summary of the part of the queue that is filled beyond what stays in it."""
    if least is None:
        summarize(f"fraction_of_{capacity}_full", queue.size(), capacity)
        return
    room = capacity - least
    if room:
        label = f"fraction_over_{least}_of_{room}_full"
        summarize(label, raw.Maximum(x=0, y=queue.size() - least), room)


def _check_alike(examples: Sequence[Example]) -> None:
    """Refuses sources whose examples differ in which components are sparse."""
    kinds = [[isinstance(one, SparseTensor) for one in example] for example in examples]
    for example, kind in zip(examples, kinds, strict=True):
        if kind != kinds[0]:
            raise ValueError(f"Inconsistent SparseTensors list: {examples[0]} vs. {example}")


def _rank_of_sparse(component: Any, enqueue_many: bool) -> tuple[Any, int | None] | None:
    """Returns the dtype and the rank of sparse examples; None for a dense component."""
    if not isinstance(component, SparseTensor):
        return None
    rank = component.dense_shape.shape[0]
    return component.dtype, rank if rank is None else rank - enqueue_many


def _stored(example: Example, keep: Tensor, enqueue_many: bool) -> list[Tensor]:
    """Returns the components as dense tensors: a queue holds a sparse one as three strings."""
    return [
        _serialized(one, keep, enqueue_many) if isinstance(one, SparseTensor) else one
        for one in example
    ]


def _serialized(sparse: SparseTensor, keep: Tensor, enqueue_many: bool) -> Tensor:
    if not enqueue_many:
        return serialize_sparse(sparse)
    if keep.shape.rank == 1:
        rows = raw.GatherV2(params=keep, indices=sparse.indices[:, 0], axis=0)
        sparse = retain(sparse, rows)
    return serialize_many_sparse(sparse)


def _restored(taken: Tensor, sparse: tuple[Any, int | None] | None) -> Any:
    """Returns a component of a batch: sparse again if its examples were."""
    return taken if sparse is None else deserialize_many_sparse(taken, *sparse)


def _common(column: Sequence[Tensor], enqueue_many: bool) -> TensorShape:
    """Returns the common static shape of one component of the examples over all threads."""
    shape = None
    for tensor in column:
        here = tensor.shape[1:] if enqueue_many else tensor.shape
        shape = here if shape is None else shape.most_specific_compatible_shape(here)
    return TensorShape(shape)


def _enqueue(queue: Any, tensors: list[Tensor], keep: Tensor, enqueue_many: bool) -> Any:
    """Returns the operation that enqueues one example, or the selected ones of several."""
    if keep.shape.rank == 1:
        picks = raw.Where(condition=keep)[:, 0]
        tensors = [raw.GatherV2(params=tensor, indices=picks, axis=0) for tensor in tensors]
        return queue.enqueue_many(tensors)
    put = queue.enqueue_many if enqueue_many else queue.enqueue
    known = constant_value(keep)
    if known is not None:
        return put(tensors) if known else raw.NoOp()
    return cond(keep, lambda: put(tensors), raw.NoOp)


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
    call = lambda arguments: made_batches(name, **arguments)  # noqa: E731
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
