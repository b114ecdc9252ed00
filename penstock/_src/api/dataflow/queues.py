"""tf.queue: blocking queues between threads."""

import contextlib
import functools

from penstock._src.api.control.conditionals import switch_case
from penstock._src.api.random.seeds import op_seeds
from penstock._src.core import dtypes as types
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.eager.context import init_scope
from penstock._src.graph.static_values import constant_value
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _on_cpu():
    """The device of the operations that make queues."""
    return contextlib.nullcontext() if STATE.graph is None else STATE.graph.device("CPU")


@export("queue.QueueBase", v1=["queue.QueueBase", "QueueBase"])
class QueueBase:
    """Base of all queues. An element is a tuple of tensors, or a dictionary if components have names.

    Args:
      dtypes: the types of an element's components.
      shapes: their shapes, or None if they may differ.
      names: their names, or None.
      queue_ref: the handle of the queue.
    """

    def __init__(self, dtypes, shapes, names, queue_ref):
        self._dtypes = [types.as_dtype(d) for d in dtypes]
        if shapes is not None:
            if len(shapes) != len(self._dtypes):
                raise ValueError(
                    "Queue shapes must have the same length as dtypes, received "
                    f"len(shapes)={len(shapes)}, len(dtypes)={len(self._dtypes)}"
                )
            self._shapes = [as_shape(s) for s in shapes]
        else:
            self._shapes = [TensorShape(None) for _ in self._dtypes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError(
                "Queue names must have the same length as dtypes,received "
                f"len(names)={len(names)},len {len(self._dtypes)}"
            )
        self._names = names
        self._queue_ref = queue_ref

    @staticmethod
    def from_list(index, queues):
        """The queue `queues[index]`, where `index` is a tensor.

        Args:
          index: an integer scalar.
          queues: a list of queues with the same dtypes.

        Returns:
          A queue.

        Raises:
          TypeError: `queues` is not a list of queues, or their types differ.
        """
        if not queues or not isinstance(queues, list):
            raise TypeError("A list of queues expected")
        if not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(q.dtypes != first.dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(q.names != first.names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        shapes = [
            functools.reduce(TensorShape.most_specific_compatible_shape, column)
            for column in zip(*(q.shapes for q in queues))
        ]
        if STATE.graph is None:
            picked = queues[int(index)].queue_ref
        else:
            picked = switch_case(
                convert_to_tensor(index), [lambda q=q: q.queue_ref for q in queues]
            )
        return QueueBase(first.dtypes, shapes, first.names, picked)

    queue_ref = read_only("_queue_ref", "The handle.")

    @property
    def name(self):
        """The name of the operation that made the queue; eagerly, the given name."""
        return self._name if hasattr(self._queue_ref, "numpy") else self._queue_ref.op.name

    _name = "queue"

    dtypes = read_only("_dtypes", "The types of the components.")
    shapes = read_only("_shapes", "The shapes of the components.")
    names = read_only("_names", "The names of the components, or None.")

    def _op_name(self, name, what):
        """The name of an operation on the queue, unless the caller gives one."""
        return name or f"{self.name.rpartition('/')[2]}_{what}"

    def _components(self, vals):
        """The components of an element as a list of tensors."""
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                    f"{sorted(vals)},Queue: {sorted(self._names)}"
                )
            vals = [vals[k] for k in self._names]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            if not isinstance(vals, (list, tuple)):
                vals = [vals]
        return [
            convert_to_tensor(value, dtype=dtype, name=f"component_{i}")
            for i, (value, dtype) in enumerate(zip(vals, self._dtypes))
        ]

    def _result(self, tensors):
        if self._names:
            return dict(zip(self._names, tensors))
        return tensors[0] if len(tensors) == 1 else list(tensors)

    def enqueue(self, vals, name=None):
        """Adds one element to the queue, waiting while it is full.

        Args:
          vals: a tensor, a list of tensors, or a dictionary.
          name: a name for the operation.

        Returns:
          In a graph the operation, else None.

        Raises:
          CancelledError: the queue is closed.
        """
        with scope_in_graph(self._op_name(name, "enqueue"), "") as scope:
            components = self._components(vals)
            for tensor, shape in zip(components, self._shapes):
                tensor.shape.assert_is_compatible_with(shape)
            return raw.QueueEnqueueV2(handle=self._queue_ref, components=components, name=scope)

    def enqueue_many(self, vals, name=None):
        """Adds the rows of tensors to the queue, each as soon as there is room.

        Args:
          vals: a tensor `[n, ...]`, a list of them, or a dictionary: `n` elements.
          name: of the operation.

        Returns:
          In a graph the operation, else None.
        """
        with scope_in_graph(self._op_name(name, "EnqueueMany"), "") as scope:
            components = self._components(vals)
            for tensor, shape in zip(components, self._shapes):
                tensor.shape.with_rank_at_least(1)[1:].assert_is_compatible_with(shape)
            return raw.QueueEnqueueManyV2(handle=self._queue_ref, components=components, name=scope)

    def dequeue(self, name=None):
        """Removes and returns one element, waiting for it.

        Args:
          name: of the operation.

        Returns:
          A tensor, a list of tensors, or a dictionary, as elements are.

        Raises:
          OutOfRangeError: the queue is closed and empty.
        """
        tensors = raw.QueueDequeueV2(
            handle=self._queue_ref,
            component_types=self._dtypes,
            name=self._op_name(name, "Dequeue"),
        )
        return self._result(self._shaped(tensors, lambda shape: shape))

    def dequeue_many(self, n, name=None):
        """Removes and returns `n` elements, each component stacked.

        Args:
          n: an integer scalar.
          name: of the operation.

        Returns:
          What `dequeue` returns, with an axis of length `n` first.
        """
        tensors = raw.QueueDequeueManyV2(
            handle=self._queue_ref,
            n=n,
            component_types=self._dtypes,
            name=self._op_name(name, "DequeueMany"),
        )
        known = constant_value(convert_to_tensor(n, types.int32))
        rows = None if known is None else int(known)
        return self._result(self._shaped(tensors, TensorShape([rows]).concatenate))

    def dequeue_up_to(self, n, name=None):
        """Removes and returns `n` elements, or the rest of a closed queue, each component stacked.

        Args:
          n: an integer scalar.
          name: of the operation.

        Returns:
          What `dequeue` returns, with an axis of at most `n` first.
        """
        tensors = raw.QueueDequeueUpToV2(
            handle=self._queue_ref,
            n=n,
            component_types=self._dtypes,
            name=self._op_name(name, "DequeueUpTo"),
        )
        return self._result(self._shaped(tensors, TensorShape([None]).concatenate))

    def _shaped(self, tensors, shape):
        tensors = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
        if STATE.graph is not None:
            for tensor, known in zip(tensors, self._shapes):
                tensor.set_shape(shape(known))
        return tensors

    def close(self, cancel_pending_enqueues=False, name=None):
        """Closes the queue to new elements; its remaining elements can still be taken.

        Args:
          cancel_pending_enqueues: whether calls that wait for room fail; otherwise they go on
            waiting.
          name: of the operation.

        Returns:
          In a graph the operation, else None.
        """
        return raw.QueueCloseV2(
            handle=self._queue_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=self._op_name(name, "Close"),
        )

    def is_closed(self, name=None):
        """True if the queue is closed.

        Args:
          name: of the operation.

        Returns:
          A bool scalar.
        """
        return raw.QueueIsClosedV2(handle=self._queue_ref, name=self._op_name(name, "Is_Closed"))

    def size(self, name=None):
        """The number of elements in the queue.

        Args:
          name: of the operation.

        Returns:
          An int32 scalar.
        """
        return raw.QueueSizeV2(handle=self._queue_ref, name=self._op_name(name, "Size"))


def _as_list(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _as_shapes(shapes, partial=False):
    """Returns shapes given as a list, or as the one shape of one component.

    Args:
      shapes: None, a shape, or a list of shapes.
      partial: whether dimensions may be unknown; then there must be a list of shapes.
    """
    if partial:
        is_list = isinstance(shapes, (list, tuple)) and len(shapes) > 0
        if not is_list or any(s is None or isinstance(s, int) for s in shapes):
            raise ValueError("When providing partial shapes, a list of shapes must be provided.")
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape):
        shapes = [shapes]
    if not isinstance(shapes, (list, tuple)):
        raise TypeError(
            "Shapes must be a TensorShape or a list or tuple of TensorShapes, got "
            f"{type(shapes)} instead."
        )
    if all(s is None or isinstance(s, int) for s in shapes):  # also of (), a scalar's
        shapes = [shapes]
    converted = [as_shape(s) for s in shapes]
    if not partial and not all(s.is_fully_defined() for s in converted):
        raise ValueError(f"All shapes must be fully defined: {converted}")
    if any(s.rank is None for s in converted):
        raise ValueError(f"All shapes must have a defined rank: {converted}")
    return converted


def _as_names(names, dtypes):
    if not names:
        return None
    if not isinstance(names, (list, tuple)):
        names = [names]
    if len(names) != len(dtypes):
        raise ValueError(
            "List of names must have the same length as the list of dtypes, received "
            f"len(names)={len(names)},len(dtypes)={len(dtypes)}"
        )
    return list(names)


@export("queue.FIFOQueue", v1=["queue.FIFOQueue", "FIFOQueue"])
class FIFOQueue(QueueBase):
    """A first-in, first-out queue; functions make it once, outside of themselves.

    Args:
      capacity: how many elements there is room for.
      dtypes: the types of an element's components.
      shapes: their shapes; without them elements can only be taken one by one.
      names: their names; then elements are dictionaries.
      shared_name: the name under which sessions share the queue.
      name: a name for the operation.
    """

    _device = staticmethod(_on_cpu)

    def __init__(
        self, capacity, dtypes, shapes=None, names=None, shared_name=None, name="fifo_queue"
    ):
        dtypes = [types.as_dtype(d) for d in _as_list(dtypes)]
        shapes = _as_shapes(shapes)
        self._name = name
        with init_scope(), self._device():
            handle = raw.FIFOQueueV2(
                component_types=dtypes,
                shapes=shapes or [],
                capacity=capacity,
                shared_name=shared_name or "",
                name=name,
            )
        super().__init__(dtypes, shapes, _as_names(names, dtypes), handle)


@export(
    "queue.PaddingFIFOQueue",
    v1=["queue.PaddingFIFOQueue", "PaddingFIFOQueue", "io.PaddingFIFOQueue"],
)
class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue of elements of different sizes, which are padded when they are stacked.

    Args:
      capacity: the largest number of elements; a call that adds more waits.
      dtypes: the dtype of each component of an element.
      shapes: the shape of each component, with None for sizes that may differ.
      names: the keys of components, if elements are dicts.
      shared_name: queues of one name in several sessions are one queue.
      name: of the operation.
    """

    def __init__(
        self, capacity, dtypes, shapes, names=None, shared_name=None, name="padding_fifo_queue"
    ):
        dtypes = [types.as_dtype(d) for d in _as_list(dtypes)]
        shapes = _as_shapes(shapes, partial=True)
        if len(dtypes) != len(shapes):
            raise ValueError(
                "Shapes must be provided for all components, but received "
                f"{len(dtypes)} dtypes and {len(shapes)} shapes."
            )
        self._name = name
        with _on_cpu():
            handle = raw.PaddingFIFOQueueV2(
                component_types=dtypes,
                shapes=shapes,
                capacity=capacity,
                shared_name=shared_name or "",
                name=name,
            )
        super().__init__(dtypes, shapes, _as_names(names, dtypes), handle)


@export(
    "queue.RandomShuffleQueue",
    v1=["queue.RandomShuffleQueue", "RandomShuffleQueue", "io.RandomShuffleQueue"],
)
class RandomShuffleQueue(QueueBase):
    """A queue that returns elements in random order.

    Args:
      capacity: how many elements there is room for.
      min_after_dequeue: the number of elements that must remain while the queue is open.
      dtypes: the types of an element's components.
      shapes: their shapes; without them elements can only be taken one by one.
      names: their names; then elements are dictionaries.
      seed: of the order; see `tf.random.set_seed`.
      shared_name: the name under which sessions share the queue.
      name: a name for the operation.
    """

    def __init__(
        self,
        capacity,
        min_after_dequeue,
        dtypes,
        shapes=None,
        names=None,
        seed=None,
        shared_name=None,
        name="random_shuffle_queue",
    ):
        dtypes = [types.as_dtype(d) for d in _as_list(dtypes)]
        shapes = _as_shapes(shapes)
        self._name = name
        with _on_cpu():
            handle = raw.RandomShuffleQueueV2(
                component_types=dtypes,
                shapes=shapes or [],
                capacity=capacity,
                min_after_dequeue=min_after_dequeue,
                **op_seeds(seed),
                shared_name=shared_name or "",
                name=name,
            )
        super().__init__(dtypes, shapes, _as_names(names, dtypes), handle)


@export("queue.PriorityQueue", v1=["queue.PriorityQueue", "PriorityQueue", "io.PriorityQueue"])
class PriorityQueue(QueueBase):
    """A queue that returns the element with the smallest priority first.

    An element's first component is its priority, an int64; `types` and `shapes` describe the others.

    Args:
      capacity: the largest number of elements; a call that adds more waits.
      types: the dtype of each component after the priority.
      shapes: the shape of each of these components, which `dequeue_many` needs.
      names: the keys of components, if elements are dicts.
      shared_name: queues of one name in several sessions are one queue.
      name: of the operation.
    """

    def __init__(
        self, capacity, types, shapes=None, names=None, shared_name=None, name="priority_queue"
    ):
        kinds = [_dtype(d) for d in _as_list(types)]
        shapes = _as_shapes(shapes) or []
        self._name = name
        with _on_cpu():
            handle = raw.PriorityQueueV2(
                component_types=kinds,
                shapes=shapes,
                capacity=capacity,
                shared_name=shared_name or "",
                name=name,
            )
        all_types = [_dtype("int64"), *kinds]
        all_shapes = [TensorShape([]), *shapes] if shapes else None
        super().__init__(all_types, all_shapes, _as_names(names, all_types), handle)


def _dtype(value):
    return types.as_dtype(value)
