"""tf.GradientTape."""

import contextlib
import logging
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff import jacobian
from penstock._src.autodiff import tape as tape_module
from penstock._src.autodiff.backprop import UnconnectedGradients, gradients_of_tape, zeros_like
from penstock._src.autodiff.composite import gradient_tensors, with_gradients
from penstock._src.autodiff.tape import DIFFERENTIABLE, Tape
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest
from penstock._src.util.export import export


@export("GradientTape", "autodiff.GradientTape", v1=["GradientTape"])
class GradientTape:
    """Records the enclosed computation for differentiation.

    Trainable variables are watched when they are read, other tensors with `watch`. Without
    `persistent` the record is dropped by the first gradient.

    Args:
      persistent: whether gradients may be taken several times.
      watch_accessed_variables: whether variables are watched when they are read.

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x).numpy()
    np.float32(6.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._tape: Tape | None = None
        self._watched: tuple[Any, ...] = ()
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

    def _finish(self) -> Tape:
        """Stops recording unless the tape is persistent; returns the record."""
        tape = self._current()
        if self._recording and not self._persistent:
            self._pop()
        return tape

    def _require_rows(self, use_pfor: bool, iterations: int | None, what: str) -> None:
        """Raises RuntimeError if an eager tape that is not persistent must compute rows one by one, or another error for `iterations`."""
        if iterations is not None and (iterations < 1 or (use_pfor and iterations == 1)):
            if not use_pfor:
                raise TypeError("'parallel_iterations' must be a positive integer.")
            raise ValueError(
                f"{what}: `parallel_iterations` must be None or an integer of at least 2, unless "
                f"`experimental_use_pfor` is False. Received {iterations}."
            )
        if not (use_pfor or self._persistent or STATE.graph is not None):
            raise RuntimeError(
                f"GradientTape must be created with persistent=True to compute the {what} with eager "
                "execution enabled and with experimental_use_pfor set to False."
            )

    def _release(self) -> None:
        """Drops the record, except the list of watched variables."""
        self._watched = self.watched_variables()
        self._tape = None

    def watch(self, tensor: Any) -> None:
        """Starts to record what is computed from a tensor.

        Args:
          tensor: a tensor, a variable, or a structure of them.

        Raises:
          ValueError: something else is in the structure.
        """
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
    def _ensure_recording(self) -> Iterator[None]:
        """A context in which the tape records, for functions that are differentiated within it."""
        if self._recording:
            yield
            return
        self._push()
        try:
            yield
        finally:
            self._pop()

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A context in which nothing is recorded.

        Returns:
          A context manager.

        Raises:
          RuntimeError: the tape has never recorded, or has no record any more.
          ValueError: the tape does not record.
        """
        if self._tape is None:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._pop()
        try:
            yield
        finally:
            self._push()

    def reset(self) -> None:
        """Drops everything recorded so far."""
        self._pop()
        self._tape = None
        self._push()

    def watched_variables(self) -> tuple[Any, ...]:
        """Returns the variables that are watched.

        Returns:
          A tuple, in order of their first use.
        """
        return self._watched if self._tape is None else tuple(self._tape.variables.values())

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Returns the gradients of the sum of `target` with respect to `sources`.

        Args:
          target: a tensor or a structure of tensors.
          sources: tensors or variables in any structure.
          output_gradients: what the gradient of each target is multiplied with; ones by default.
          unconnected_gradients: what stands for sources that the target does not depend on:
            `tf.UnconnectedGradients.NONE` (None) or `ZERO` (zeros).

        Returns:
          Gradients in the structure of `sources`: tensors, `IndexedSlices`, or None.

        Raises:
          RuntimeError: the tape is not persistent and was used before, or it is still recording
            without being persistent.
          ValueError: `unconnected_gradients` is another value.
        """
        try:
            tape = self._finish()
            unconnected = unconnected_gradients
            if type(unconnected) is not UnconnectedGradients:
                unconnected = unconnected_kind(unconnected)
            is_tensor = isinstance(target, Tensor)
            leaves = [] if is_tensor else leaves_of(target)
            targets = [convert_to_tensor(t) for leaf in leaves for t in gradient_tensors(leaf)]
            if is_tensor:
                targets.append(target)
            single = is_tensor_like(sources)
            flat_sources = [sources] if single else nest.flatten(sources, expand_composites=False)
            for source in flat_sources:
                require_dtype(source)
            for leaf in leaves:
                require_recorded(leaf)
            seeds: list[Any] = [None] * len(targets)
            if output_gradients is not None:
                weights = [gradient_tensors(g) for g in nest.flatten(output_gradients)]
                given = [
                    None if g is None else convert_to_tensor(g) for part in weights for g in part
                ]
                # Fewer than there are targets leave ones for the others.
                seeds[: len(given)] = given
            result = self._differentiate(tape, targets, flat_sources, seeds, unconnected)
            if not self._persistent:
                self._release()
            if single:
                return result[0]
            if type(sources) is list and all(map(operator.is_, sources, flat_sources)):
                return result
            return nest.pack_sequence_as(sources, result)
        except Exception as error:
            shorten(error)
            raise

    def _differentiate(
        self,
        tape: Tape,
        targets: list[Any],
        sources: list[Any],
        seeds: Sequence[Any],
        unconnected: UnconnectedGradients,
    ) -> list[Any]:
        parts = [gradient_tensors(s) for s in sources]
        ids = [t._id for part in parts for t in part]
        flat = iter(gradients_of_tape(tape, targets, ids, seeds))
        if unconnected is UnconnectedGradients.NONE:
            if not any([isinstance(source, CompositeTensor) for source in sources]):
                return list(flat)
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
        """Returns the derivatives of all entries of `target` by all entries of `sources`.

        Args:
          target: a tensor.
          sources: tensors or variables in any structure.
          unconnected_gradients: what stands for sources that the target does not depend on.
          parallel_iterations: a hint; without effect, but numbers that TensorFlow refuses are refused.
          experimental_use_pfor: a hint; without it an eager tape must be persistent.

        Returns:
          Tensors of shape `target.shape + source.shape` in the structure of `sources`.

        Raises:
          RuntimeError: the tape is not persistent and was used before, or is eager without `experimental_use_pfor`.
          ValueError: `parallel_iterations` is less than 2; without `experimental_use_pfor`, TypeError if it is less than 1.
        """
        try:
            unconnected = unconnected_kind(unconnected_gradients)
            flat_sources = nest.flatten(sources)
            self._require_rows(experimental_use_pfor, parallel_iterations, "jacobian")
            tape = self._finish()
            result = jacobian.whole(tape, target, [gradient_tensors(s)[0] for s in flat_sources])
            if not self._persistent:
                self._release()
            if unconnected is UnconnectedGradients.ZERO:
                shape = raw.Shape(target)
                result = [
                    jacobian.zeros_of(shape, convert_to_tensor(s)) if rows is None else rows
                    for s, rows in zip(flat_sources, result, strict=True)
                ]
            return nest.pack_sequence_as(sources, result)
        except Exception as error:
            shorten(error)
            raise

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Returns the derivatives of each row of `target` by the same row of `source`.

        Args:
          target: a tensor `[batch, ...]` whose rows depend only on the same row of `source`.
          source: a tensor `[batch, ...]`.
          unconnected_gradients: a hint without effect: zeros stand where there is no connection.
          parallel_iterations: a hint; without effect, but numbers that TensorFlow refuses are refused.
          experimental_use_pfor: a hint; without it an eager tape must be persistent.

        Returns:
          A tensor `[batch, ...target, ...source]`.

        Raises:
          ValueError: the first extents differ, a tensor has rank 1, or `parallel_iterations` is less than 2; without
            `experimental_use_pfor`, TypeError if it is less than 1.
          RuntimeError: an eager tape is not persistent, and `experimental_use_pfor` is False.
        """
        try:
            self._require_rows(experimental_use_pfor, parallel_iterations, "batch_jacobian")
            unconnected_kind(unconnected_gradients)
            batch = target.shape[0]
            at_least_matrices = [t.shape.with_rank_at_least(2) for t in (target, source)]
            if None not in (batch, at_least_matrices[1][0]) and batch != source.shape[0]:
                raise ValueError(
                    "Need first dimension of target shape "
                    f"({target.shape}) and source shape ({source.shape}) to match."
                )
            tape = self._finish()
            result = jacobian.of_rows(tape, target, source)
            if not self._persistent:
                self._release()
            return result
        except Exception as error:
            shorten(error)
            raise


def unconnected_kind(value: Any) -> UnconnectedGradients:
    """Returns `value` as an UnconnectedGradients.

    Raises:
      ValueError: `value` is neither "none" nor "zero".
    """
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}") from None


def leaves_of(target: Any) -> list[Any]:
    """Returns the flat list of targets. Raises TypeError for None."""
    if target is None:
        raise TypeError(
            "Argument `target` should be a list or nested structure of Tensors, Variables or "
            "CompositeTensors to be differentiated, but received None."
        )
    return [target] if isinstance(target, Tensor) else nest.flatten(target)


def require_recorded(target: Any) -> None:
    """Raises an error for a target that is no tensor: None would hide that the tape has not recorded it.

    Raises:
      TypeError: it is a text.
      AttributeError: it is a number, an array or another object.
    """
    if isinstance(target, Tensor):
        return
    require_dtype(target)
    if isinstance(target, np.ndarray | np.generic):
        raise AttributeError(
            "tape.gradient: a target must be a tensor that the tape has recorded. Received an array: "
            f"{type(target).__name__!r} object has no attribute '_id'"
        )


def require_dtype(source: Any) -> None:
    """Raises TypeError or AttributeError for a source that is not a tensor."""
    if source is None or isinstance(source, str):
        raise TypeError(
            f"Cannot convert the argument `type_value`: {source!r} to a TensorFlow DType."
        )
    if not (hasattr(source, "dtype") or hasattr(source, "_type_spec")):
        raise AttributeError(f"{type(source).__name__!r} object has no attribute 'dtype'")


def gradient_of_source(source: Any, gradients: list[Any], unconnected: UnconnectedGradients) -> Any:
    """Returns a source's gradient in its public form."""
    if unconnected is UnconnectedGradients.ZERO and any(g is None for g in gradients):
        parts = [source] if hasattr(source, "handle") else gradient_tensors(source)
        gradients = [
            zeros_like(convert_to_tensor(t)) if g is None else g
            for t, g in zip(parts, gradients, strict=True)
        ]
    return with_gradients(source, iter(gradients))


def warn_of_type(what: str, dtype: Any) -> None:
    """Warns that a tensor of this dtype has no gradient."""
    logging.getLogger("tensorflow").warning(
        "The dtype of the %s must be floating (e.g. tf.float32), got %r", what, dtype
    )
