"""The reverse walk over a tape, and tf.GradientTape."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from penstock._src.autodiff import tape as tape_module
from penstock._src.autodiff.tape import DIFFERENTIABLE, Tape
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest
from penstock._src.util.export import export


@export("UnconnectedGradients")
class UnconnectedGradients(Enum):
    """What the gradient of a target with respect to a source is that it does not depend on."""

    NONE = "none"
    ZERO = "zero"


def gradients_of_tape(
    tape: Tape, targets: Sequence[Any], source_ids: Sequence[int], target_gradients: Sequence[Any]
) -> list[Any]:
    """Returns d sum(targets * target_gradients) / d source for each source, or None.

    Args:
      tape: the record.
      targets: tensors.
      source_ids: the `_id`s of watched tensors.
      target_gradients: a tensor or None (ones) per target.
    """
    found: dict[int, list[Any]] = {}
    for target, gradient in zip(targets, target_gradients):
        if tape.is_watched(target) or target._id in tape.ends:
            seed = ones_like(target) if gradient is None else gradient
            found.setdefault(target._id, []).append(seed)
    sources = set(source_ids)
    kept: dict[int, Any] = {}
    watched = tape.watched
    for entry in reversed(needed_entries(tape, sources)):
        outputs = totals(found, entry.output_ids)
        if outputs is None:
            continue
        if not sources.isdisjoint(entry.output_ids):
            kept.update(
                (key, total) for key, total in zip(entry.output_ids, outputs) if key in sources
            )
        if entry.needs_zeros and entry.outputs:
            outputs = [
                zeros_like(t) if g is None and t.dtype in DIFFERENTIABLE and takes_zeros(t) else g
                for g, t in zip(outputs, entry.outputs)
            ]
        inputs = entry.backward(*outputs)
        for key, gradient in zip(entry.input_ids, inputs, strict=True):
            if gradient is not None and key in watched:
                if key in found:
                    found[key].append(gradient)
                else:
                    found[key] = [gradient]
    return [kept[i] if i in kept else add_up(found.get(i)) for i in source_ids]


def totals(found: dict[int, list[Any]], ids: Sequence[int]) -> list[Any] | None:
    """Takes the gradients of some tensors out of `found`; returns the sum, or None, of each; None if there are none."""
    if len(ids) == 1:
        gradients = found.pop(ids[0], None)
        if gradients is None:
            return None
        return gradients if len(gradients) == 1 else [add_up(gradients)]
    several = [found.pop(key, None) for key in ids]
    return [add_up(gradients) for gradients in several] if any(several) else None


def needed_entries(tape: Tape, sources: set[int]) -> list[Any]:
    """Returns the entries that lie on a path from a source."""
    reached = set(sources)
    needed = []
    for entry in tape.entries:
        if not reached.isdisjoint(entry.input_ids):
            needed.append(entry)
            reached.update(entry.output_ids)
    return needed


def takes_zeros(tensor: Any) -> bool:
    """Whether zeros of the tensor's type can be made."""
    return tensor.dtype not in (dtypes.resource, dtypes.variant)


def ones_like(tensor: Any) -> Tensor:
    """Returns ones of the shape and type of `tensor`."""
    return raw.OnesLike(tensor)


def zeros_like(tensor: Any) -> Tensor:
    """Returns zeros of the shape and type of `tensor`."""
    return raw.ZerosLike(tensor)


def add_up(gradients: list[Any] | None) -> Any:
    """Returns the sum of gradients, which may be tensors or IndexedSlices; None for none."""
    if not gradients:
        return None
    if len(gradients) == 1:
        return gradients[0]
    if STATE.graph is None and all([isinstance(g, Tensor) for g in gradients]):
        return add_up_now(gradients)
    if all(isinstance(g, IndexedSlices) for g in gradients):
        values = raw.ConcatV2([g.values for g in gradients], 0)
        indices = raw.ConcatV2([as_int64(g.indices) for g in gradients], 0)
        return IndexedSlices(values, indices, gradients[0].dense_shape)
    dense = [convert_to_tensor(g) for g in gradients]
    if dense[0].dtype is dtypes.variant:
        return raw.AddN(dense)
    return raw.AddV2(*dense) if len(dense) == 2 else raw.AddN(dense)


def add_up_now(gradients: list[Any]) -> Any:
    """Returns the sum of eager tensors, or of lists of tensors."""
    if gradients[0].dtype is dtypes.variant:
        return raw.AddN(gradients)
    total = gradients[0]
    for gradient in gradients[1:]:
        total = raw.AddV2(total, gradient)
    return total


def as_int64(indices: Any) -> Any:
    """Returns indices of a common type, so that those of several gathers can be joined."""
    return indices if indices.dtype is dtypes.int64 else raw.Cast(indices, DstT=dtypes.int64)


@export("GradientTape", "autodiff.GradientTape", v1=["GradientTape"])
class GradientTape:
    """Records what is computed within, so that it can be differentiated.

    Trainable variables that are read are watched by themselves, other tensors by `watch`.

    Args:
      persistent: allow several calls of `gradient`.
      watch_accessed_variables: False watches nothing by itself.

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...   tape.watch(x)
    ...   y = x * x
    >>> tape.gradient(y, x).numpy()
    np.float32(6.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._tape: Tape | None = None
        self._recording = False

    def __enter__(self) -> "GradientTape":
        self._push()
        return self

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None:
        if self._recording:
            self._pop()

    def _push(self) -> None:
        if self._recording:
            raise ValueError(
                "Tape is still recording, This can happen if you try to re-enter an already-active tape."
            )
        if self._tape is None:
            self._tape = Tape(self._persistent, self._watch_accessed_variables)
        tape_module.push(self._tape)
        self._recording = True

    def _pop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        tape_module.pop(self._current())
        self._recording = False

    def _current(self) -> Tape:
        if self._tape is None:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients "
                "(or jacobians)"
            )
        return self._tape

    def watch(self, tensor: Any) -> None:
        """Records what is computed from a tensor, or a nest of tensors, from now on."""
        for one in nest.flatten(tensor, expand_composites=True):
            if hasattr(one, "handle"):
                self._current().watch_variable(one)
            elif is_tensor_like(one):
                if one.dtype in DIFFERENTIABLE:
                    self._current().watch(one)
                else:
                    warn_of_type("watched tensor", one.dtype)
            else:
                raise ValueError(
                    f"Passed in object {one} of type {type(one).__name__!r}, not tf.Tensor or tf.Variable or ExtensionType."
                )

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Leaves what is computed within out of the record."""
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._pop()
        try:
            yield
        finally:
            self._push()

    def reset(self) -> None:
        """Forgets all that was recorded."""
        self._pop()
        self._tape = None
        self._push()

    def watched_variables(self) -> tuple[Any, ...]:
        """Returns the variables that are watched, in the order of first use."""
        return tuple(self._current().variables.values())

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Returns the gradient of the sum of `target` with respect to `sources`.

        Args:
          target: a tensor or a nest of tensors.
          sources: tensors or variables, nested in any way; the result has the same form.
          output_gradients: by what the gradient of each target is multiplied; ones by default.
          unconnected_gradients: whether sources that do not matter give None or zeros.

        Raises:
          RuntimeError: the tape is not persistent and was asked before.
          ValueError: `unconnected_gradients` is neither of the two.
        """
        tape = self._current()
        unconnected = unconnected_gradients
        if type(unconnected) is not UnconnectedGradients:
            unconnected = UnconnectedGradients(unconnected)
        if self._recording:
            if not self._persistent:
                self._pop()
        targets = flat_targets(target)
        single = is_tensor_like(sources)
        flat_sources = [sources] if single else nest.flatten(sources, expand_composites=False)
        for source in flat_sources:
            require_dtype(source)
        seeds: list[Any] = [None] * len(targets)
        if output_gradients is not None:
            seeds = [
                None if g is None else convert_to_tensor(g)
                for g in nest.flatten(output_gradients, expand_composites=True)
            ]
        result = self._differentiate(tape, targets, flat_sources, seeds, unconnected)
        if not self._persistent:
            self._tape = None
        return result[0] if single else nest.pack_sequence_as(sources, result)

    def _differentiate(
        self,
        tape: Tape,
        targets: list[Any],
        sources: list[Any],
        seeds: Sequence[Any],
        unconnected: UnconnectedGradients,
    ) -> list[Any]:
        parts = [source_tensors(s) for s in sources]
        ids = [t._id for part in parts for t in part]
        flat = iter(gradients_of_tape(tape, targets, ids, seeds))
        result = []
        for source, part in zip(sources, parts):
            gradients = [next(flat) for _ in part]
            result.append(gradient_of_source(source, gradients, unconnected))
        return result

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Returns d target / d source, of shape `target.shape + source.shape`, for each source."""
        flat_sources = nest.flatten(sources)
        unconnected = UnconnectedGradients(unconnected_gradients)
        tape = self._current()
        if self._recording and not self._persistent:
            self._pop()
        shape = raw.Shape(target)
        flat = raw.Reshape(target, [-1])
        rows = jacobian_rows(tape, target, flat, flat_sources)
        if not self._persistent:
            self._tape = None
        result = []
        for i, source in enumerate(flat_sources):
            column = [row[i] for row in rows]
            if not column or column[0] is None:
                zero = unconnected is UnconnectedGradients.ZERO
                result.append(zeros_like(convert_to_tensor(source)) if zero else None)
                continue
            stacked = raw.Pack([convert_to_tensor(c) for c in column], axis=0)
            full = raw.ConcatV2([shape, raw.Shape(convert_to_tensor(source))], 0)
            result.append(raw.Reshape(stacked, full))
        return nest.pack_sequence_as(sources, result)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Returns d target[b] / d source[b], of shape `[b, ...target, ...source]`.

        Raises:
          ValueError: the first dimensions differ.
        """
        tape = self._current()
        if self._recording and not self._persistent:
            self._pop()
        rows_known, batch = target.shape[0], source.shape[0]
        if rows_known != batch:
            raise ValueError(
                "Need first dimension of target shape "
                f"({target.shape}) and source shape ({source.shape}) to match."
            )
        count = target.shape[1:].num_elements()
        flat = raw.Reshape(target, [-1, count])
        rows = []
        for j in range(count):
            seed = raw.BroadcastTo(
                raw.OneHot(
                    j, count, convert_to_tensor(1.0, flat.dtype), convert_to_tensor(0.0, flat.dtype)
                ),
                raw.Shape(flat),
            )
            seed = raw.Reshape(seed, raw.Shape(target))
            rows.append(gradients_of_tape(tape, [target], [source._id], [seed])[0])
        if not self._persistent:
            self._tape = None
        if not rows or rows[0] is None:
            if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.NONE:
                return None
            rows = [zeros_like(source)] * max(count, 1)
        stacked = raw.Pack(rows, axis=1)
        full = raw.ConcatV2([raw.Shape(target), raw.Slice(raw.Shape(source), [1], [-1])], 0)
        return raw.Reshape(stacked, full)


def jacobian_rows(tape: Tape, target: Any, flat: Any, sources: list[Any]) -> list[list[Any]]:
    """Returns, for each element of `target`, its gradient with respect to each source."""
    count = flat.shape[0]
    if count is None:
        raise ValueError("jacobian: the shape of target must be known. Received an unknown shape.")
    ids = [source_tensors(s)[0]._id for s in sources]
    one, zero = convert_to_tensor(1.0, flat.dtype), convert_to_tensor(0.0, flat.dtype)
    rows = []
    for i in range(count):
        seed = raw.Reshape(raw.OneHot(i, count, one, zero), raw.Shape(target))
        rows.append(gradients_of_tape(tape, [target], ids, [seed]))
    return rows


def flat_targets(target: Any) -> list[Any]:
    """Returns the tensors of the targets; variables are read."""
    flat = []
    if target is None:
        raise TypeError(
            "Argument `target` should be a list or nested structure of Tensors, Variables or "
            "CompositeTensors to be differentiated, but received None."
        )
    leaves = [target] if isinstance(target, Tensor) else nest.flatten(target, True)
    for one in leaves:
        if not isinstance(one, Tensor) and hasattr(one, "handle"):
            # The gradient of a variable with respect to itself needs the read on the tape.
            one = one.handle
        elif not isinstance(one, Tensor):
            one = convert_to_tensor(one)
        if one.dtype not in DIFFERENTIABLE:
            warn_of_type("target tensor", one.dtype)
        flat.append(one)
    return flat


def require_dtype(source: Any) -> None:
    """Raises TypeError or AttributeError for a source that is no tensor at all."""
    if source is None or isinstance(source, str):
        raise TypeError(
            f"Cannot convert the argument `type_value`: {source!r} to a TensorFlow DType."
        )
    if not (hasattr(source, "dtype") or hasattr(source, "_type_spec")):
        raise AttributeError(f"{type(source).__name__!r} object has no attribute 'dtype'")


def source_tensors(source: Any) -> list[Any]:
    """Returns the tensors whose gradients make the gradient of a source."""
    if isinstance(source, Tensor):
        return [source]
    if hasattr(source, "handle"):
        return [source.handle]
    return [t for t in nest.flatten(source, expand_composites=True)]


def gradient_of_source(source: Any, gradients: list[Any], unconnected: UnconnectedGradients) -> Any:
    """Returns a source's gradient in the form users see."""
    if not (isinstance(source, Tensor) or hasattr(source, "handle")):
        if hasattr(source, "with_flat_values"):
            return None if gradients[0] is None else source.with_flat_values(gradients[0])
    gradient = gradients[0]
    if gradient is None and unconnected is UnconnectedGradients.ZERO:
        return zeros_like(convert_to_tensor(source))
    return gradient


def warn_of_type(what: str, dtype: Any) -> None:
    """Says that a tensor of this type has no gradient."""
    logging.getLogger("tensorflow").warning(
        "The dtype of the %s must be floating (e.g. tf.float32), got %r", what, dtype
    )
