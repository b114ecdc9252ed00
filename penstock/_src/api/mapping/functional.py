"""tf.map_fn, tf.scan, tf.foldl and tf.foldr: functions of rows, over all rows in a loop."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import differentiable, while_loop
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.mapping import row_codec
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, executing_eagerly, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.trace import autograph_converted
from penstock._src.util import nest
from penstock._src.util.export import export


def _count(tensors: list[Tensor]) -> Any:
    """Returns the number of rows: an int if static, else a tensor."""
    for tensor in tensors:
        if tensor.shape.rank == 0:
            raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
    known = [t.shape[0] for t in tensors if t.shape.rank is not None and t.shape[0] is not None]
    if known:
        if len(set(known)) > 1:
            raise ValueError(f"elems must have equal first dimensions. Received {known}.")
        return known[0]
    return raw.Shape(input=tensors[0], out_type=dtypes.int32)[0]


def _rows(tensors: list[Tensor], count: Any) -> list[TensorArray]:
    arrays = [
        TensorArray(t.dtype, size=count, element_shape=t.shape[1:], clear_after_read=False)
        for t in tensors
    ]
    return [array.unstack(t) for array, t in zip(arrays, tensors, strict=True)]


def _flat_tensors(elems: Any) -> list[Tensor]:
    return [convert_to_tensor(t) for t in nest.flatten(elems)]


def _static(tensor: Tensor, count: Any) -> Tensor:
    """Sets the first dimension of a stacked tensor in a graph."""
    if STATE.graph is not None and isinstance(count, int) and tensor.shape.rank is not None:
        tensor.set_shape(TensorShape([count]).concatenate(tensor.shape[1:]))
    return tensor


@export("map_fn")
@shortening
def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """Returns the results of a function on every row, stacked.

    `tf.vectorized_map` is faster where it can be used.

    Args:
      fn: a function of one row, in the structure of `elems`.
      elems: a tensor or ragged or sparse tensor, or a structure of them with equal first extents.
      dtype: an older name of `fn_output_signature`.
      parallel_iterations: a hint without effect; a positive integer.
      back_prop: if False, no gradient flows through the operations in a graph.
      swap_memory: a hint without effect.
      infer_shape: whether all results have one shape.
      name: a name for the operation.
      fn_output_signature: the dtypes or specs of the results, if they differ from those of
        `elems`. A `tf.RaggedTensorSpec` lets rows differ in length.

    Returns:
      A tensor, or a structure of tensors.

    Raises:
      TypeError: `fn` is not callable.
      ValueError: `elems` is empty, or the first extents differ.

    >>> tf.map_fn(lambda x: x * x, tf.constant([1, 2, 3])).numpy()
    array([1, 4, 9], dtype=int32)
    """
    if not callable(fn):
        raise TypeError(f"The provided function {getattr(fn, '__name__', fn)} is not callable.")
    signature = fn_output_signature if fn_output_signature is not None else dtype
    loop = {"parallel_iterations": parallel_iterations or 10}
    if any(map(_is_batchable, nest.flatten([elems, signature]))):
        return differentiable(_map_fields(fn, elems, signature, infer_shape, loop), back_prop)
    if any(
        row_codec.is_encoded(leaf) or nest.is_composite(leaf) and not isinstance(leaf, Tensor)
        for leaf in nest.flatten([elems, signature])
    ):
        return differentiable(_map_composite(fn, elems, signature, infer_shape, loop), back_prop)
    flat = _flat_tensors(elems)
    if not flat:
        raise ValueError(
            f"elems must be a Tensor or (possibly nested) sequence of Tensors. Got {elems}, which "
            "does not contain any Tensors."
        )
    if signature is None:
        signature = nest.pack_sequence_as(elems, [t.dtype for t in flat])
    with scope_in_graph(name, "map"):
        result = _map_tensors(autograph_converted(fn), elems, signature, infer_shape, loop)
        return differentiable(result, back_prop)


def _map_tensors(
    fn: Callable[..., Any], elems: Any, signature: Any, infer_shape: bool, loop: dict[str, Any]
) -> Any:
    flat = _flat_tensors(elems)
    count = _count(flat)
    arrays = _rows(flat, count)
    start = convert_to_tensor(0)
    outputs = [_array_for(s, count, infer_shape) for s in nest.flatten(signature)]

    def body(i: Any, written: list[TensorArray]) -> tuple[Any, list[TensorArray]]:
        row = nest.pack_sequence_as(elems, [array.read(i) for array in arrays])
        result = fn(row)
        nest.assert_same_structure(signature, result)
        parts = nest.flatten(result)
        after = [array.write(i, part) for array, part in zip(written, parts, strict=True)]
        return i + 1, after

    _, results = while_loop(
        lambda i, *_: i < count, body, (start, outputs), maximum_iterations=count, **loop
    )
    return nest.pack_sequence_as(signature, [_static(array.stack(), count) for array in results])


def _array_for(signature: Any, count: Any, infer_shape: bool) -> TensorArray:
    if isinstance(signature, TensorSpec):
        return TensorArray(
            signature.dtype, size=count, element_shape=signature.shape, infer_shape=infer_shape,
            clear_after_read=False,
        )  # fmt: skip
    if row_codec.is_encoded(signature):
        return TensorArray(dtypes.variant, size=count, clear_after_read=False)
    if isinstance(signature, TypeSpec):
        raise NotImplementedError(
            f"map_fn: results of type {type(signature).__name__} are not implemented."
        )
    return TensorArray(
        dtypes.as_dtype(signature), size=count, infer_shape=infer_shape, clear_after_read=False
    )


def _map_composite(
    fn: Callable[..., Any], elems: Any, signature: Any, infer_shape: bool, loop: dict[str, Any]
) -> Any:
    """map_fn where some inputs or results are ragged or sparse."""
    leaves = nest.flatten(elems)
    specs = [row_codec.row_spec(leaf) for leaf in leaves]
    encoded = [row_codec.encode_rows(leaf) for leaf in leaves]
    fn = autograph_converted(fn)
    count = _count(encoded)
    arrays = _rows(encoded, count)
    if signature is None:
        signature = nest.pack_sequence_as(elems, specs)
    wanted = nest.flatten(signature)
    outputs = [_array_for(s, count, infer_shape) for s in wanted]

    def body(i: Any, written: list[TensorArray]) -> tuple[Any, list[TensorArray]]:
        parts = [row_codec.decode_row(s, a.read(i)) for s, a in zip(specs, arrays, strict=True)]
        result = nest.flatten(fn(nest.pack_sequence_as(elems, parts)))
        rows = [row_codec.encode_row(s, part) for s, part in zip(wanted, result, strict=True)]
        return i + 1, [array.write(i, row) for array, row in zip(written, rows, strict=True)]

    _, results = while_loop(
        lambda i, *_: i < count,
        body,
        (convert_to_tensor(0), outputs),
        maximum_iterations=count,
        **loop,
    )
    stacked = []
    for spec, array in zip(wanted, results, strict=True):
        rows = _static(array.stack(), count)
        stacked.append(row_codec.decode_rows(spec, rows) if row_codec.is_encoded(spec) else rows)
    return nest.pack_sequence_as(signature, stacked)


def _is_batchable(leaf: Any) -> bool:
    """True if a value, or values of a type, are mapped over in an encoded form made by their batch encoder."""
    spec = leaf._type_spec if isinstance(leaf, CompositeTensor) else leaf
    return getattr(spec, "__batch_encoder__", None) is not None


def _encoded(value: Any, spec: Any) -> Any:
    return spec.__batch_encoder__.encode(spec, value, minimum_rank=1)


def _decoded(parts: Any, spec: Any) -> Any:
    return spec.__batch_encoder__.decode(spec, parts)


def _map_fields(
    fn: Callable[..., Any], elems: Any, signature: Any, infer_shape: bool, loop: dict[str, Any]
) -> Any:
    """map_fn where some inputs or results are ExtensionTypes: maps over their fields."""
    leaves = nest.flatten(elems)
    row_specs = [v._type_spec._unbatch() if _is_batchable(v) else None for v in leaves]
    fields = [_encoded(v, v._type_spec) if _is_batchable(v) else v for v in leaves]
    if signature is None:
        rows = [s if s is not None else v.dtype for s, v in zip(row_specs, leaves, strict=True)]
        signature = nest.pack_sequence_as(elems, rows)
    wanted = nest.flatten(signature)
    of_results = [w.__batch_encoder__.encoding_specs(w) if _is_batchable(w) else w for w in wanted]

    def of_fields(parts: Any) -> Any:
        row = [p if s is None else _decoded(p, s) for s, p in zip(row_specs, parts, strict=True)]
        values = nest.flatten(fn(nest.pack_sequence_as(elems, row)))
        return [
            w.__batch_encoder__.encode(w, value) if _is_batchable(w) else value
            for w, value in zip(wanted, values, strict=True)
        ]

    stacked = map_fn(
        of_fields, fields, infer_shape=infer_shape, fn_output_signature=of_results, **loop
    )
    results = [
        _decoded(s, w._batch(None)) if _is_batchable(w) else s
        for w, s in zip(wanted, stacked, strict=True)
    ]
    return nest.pack_sequence_as(signature, results)


def _converted(fn: Any) -> Callable[..., Any]:
    if not callable(fn):
        raise TypeError(
            f"{getattr(fn, '__name__', fn)} is not callable. Please provide a callable function."
        )
    return autograph_converted(fn)


def _fold(fn: Any, elems: Any, initializer: Any, backwards: bool, loop: dict[str, Any]) -> Any:
    flat = _flat_tensors(elems)
    count = _count(flat)
    arrays = _rows(flat, count)

    def row(i: Any) -> Any:
        return nest.pack_sequence_as(elems, [array.read(i) for array in arrays])

    start = count if backwards else 0  # the number of the next row; backwards, of that before
    if initializer is None:
        state = row(count - 1 if backwards else 0)
        start = count - 1 if backwards else 1
    else:
        # Python numbers stay unconverted in eager execution: the rows determine their dtype.
        eager = executing_eagerly()
        state = initializer if eager else nest.map_structure(convert_to_tensor, initializer)

    def forward(i: Any, accumulated: Any) -> tuple[Any, Any]:
        result = fn(accumulated, row(i))
        return i + 1, result

    def backward(i: Any, accumulated: Any) -> tuple[Any, Any]:
        i = i - 1
        return i, fn(accumulated, row(i))

    return while_loop(
        lambda i, _: i > 0 if backwards else i < count,
        backward if backwards else forward,
        (convert_to_tensor(start), state),
        maximum_iterations=count,
        **loop,
    )[1]


@dispatchable("foldl")
@shortening
def foldl(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Returns what a function accumulates over all rows, from the first to the last.

    Args:
      fn: a function of what has been accumulated and of one row.
      elems: a tensor, or a structure of tensors with equal first extents.
      initializer: what to begin with; by default the first row.
      parallel_iterations: a hint without effect; a positive integer.
      back_prop: if False, no gradient flows through the operations in a graph.
      swap_memory: a hint without effect.
      name: a name for the operation.

    Returns:
      What `fn` returned last.

    >>> tf.foldl(lambda a, x: a * 10 + x, tf.constant([1, 2, 3])).numpy()
    np.int32(123)
    """
    fn = _converted(fn)
    with scope_in_graph(name, "foldl"):
        loop = {"parallel_iterations": parallel_iterations, "back_prop": back_prop}
        return _fold(fn, elems, initializer, False, loop)


@dispatchable("foldr")
@shortening
def foldr(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Returns what a function accumulates over all rows, from the last to the first.

    Args:
      fn: a function of what has been accumulated and of one row.
      elems: a tensor, or a structure of tensors with equal first extents.
      initializer: what to begin with; by default the last row.
      parallel_iterations: a hint without effect; a positive integer.
      back_prop: if False, no gradient flows through the operations in a graph.
      swap_memory: a hint without effect.
      name: a name for the operation.

    Returns:
      What `fn` returned last.

    >>> tf.foldr(lambda a, x: a * 10 + x, tf.constant([1, 2, 3])).numpy()
    np.int32(321)
    """
    fn = _converted(fn)
    with scope_in_graph(name, "foldr"):
        loop = {"parallel_iterations": parallel_iterations, "back_prop": back_prop}
        return _fold(fn, elems, initializer, True, loop)


@dispatchable("scan")
@shortening
def scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Returns all that a function accumulates on its way over rows, stacked.

    Args:
      fn: a function of what has been accumulated and of one row.
      elems: a tensor, or a structure of tensors with equal first extents.
      initializer: what to begin with; by default the first row, which is then the first result.
      parallel_iterations: a hint without effect; a positive integer.
      back_prop: if False, no gradient flows through the operations in a graph.
      swap_memory: a hint without effect.
      infer_shape: whether all results have one shape.
      reverse: whether it goes from the last row to the first.
      name: a name for the operation.

    Returns:
      A tensor, or a structure of tensors.

    Raises:
      TypeError: `fn` is not callable.

    >>> tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy()
    array([1, 3, 6], dtype=int32)
    """
    fn = _converted(fn)
    with scope_in_graph(name, "scan"):
        loop = {"parallel_iterations": parallel_iterations}
        result = _scan(fn, elems, initializer, infer_shape, reverse, loop)
        return differentiable(result, back_prop)


def _scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any,
    infer_shape: bool,
    reverse: bool,
    loop: dict[str, Any],
) -> Any:
    flat = _flat_tensors(elems)
    count = _count(flat)
    arrays = _rows(flat, count)

    def row(i: Any) -> Any:
        return nest.pack_sequence_as(elems, [array.read(i) for array in arrays])

    first = count - 1 if reverse else 0
    state = (
        row(first) if initializer is None else nest.map_structure(convert_to_tensor, initializer)
    )
    parts = nest.flatten(state)
    outputs = [
        TensorArray(
            t.dtype,
            size=count,
            element_shape=t.shape if infer_shape else None,
            infer_shape=infer_shape,
        )
        for t in parts
    ]
    start = first
    if initializer is None:
        outputs = [array.write(first, t) for array, t in zip(outputs, parts, strict=True)]
        start = count - 2 if reverse else 1
    start = convert_to_tensor(start)

    def body(i: Any, accumulated: Any, written: list[TensorArray]) -> Any:
        result = nest.map_structure(convert_to_tensor, fn(accumulated, row(i)))
        nest.assert_same_structure(state, result)
        flat_result = nest.flatten(result)
        packed = nest.pack_sequence_as(state, flat_result)
        after = [a.write(i, t) for a, t in zip(written, flat_result, strict=True)]
        return i - 1 if reverse else i + 1, packed, after

    def more(i: Any, *_: Any) -> Any:
        return i >= 0 if reverse else i < count

    _, _, results = while_loop(
        more, body, (start, state, outputs), maximum_iterations=count, **loop
    )
    return nest.pack_sequence_as(state, [_static(array.stack(), count) for array in results])
