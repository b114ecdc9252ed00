"""`predict` copies outputs once: it returns the memory of its joined outputs, and converts outputs of batches only for callbacks that read them.

Keras joins the outputs of all batches to a tensor, which only `predict` knows, and copies that tensor to NumPy. The copy takes as long as the join,
and as much memory. Outputs of a single batch are not joined: a callback may hold them, so they are copied as before.

At the end of each batch Keras also converts the outputs to NumPy for the callbacks, although none may have a method for them.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.eager.tensor import EagerTensor

CALLBACKS = "keras.src.callbacks.callback_list"
# Packages that call a function for each leaf of a structure: Keras's own, and the two libraries that it may use.
STRUCTURES = ("keras.src.tree.", "optree.", "tree.")


def wrap_trainer(module: types.ModuleType) -> None:
    """Wraps the functions of `keras.src.backend.tensorflow.trainer` that join outputs and convert them to NumPy."""
    trainer: Any = module
    predict = inspect.unwrap(trainer.TensorFlowTrainer.predict).__code__
    joined: weakref.WeakValueDictionary[int, EagerTensor] = weakref.WeakValueDictionary()
    join, convert = trainer.potentially_ragged_concat, trainer.convert_to_np_if_not_ragged
    trainer.potentially_ragged_concat = _joining(join, predict, joined)
    trainer.convert_to_np_if_not_ragged = _converting(convert, predict, joined)


def _joining(
    join: Callable[..., Any], predict: types.CodeType, joined: Any
) -> Callable[[Sequence[Any]], Any]:
    """The function that joins outputs; it notes tensors that it makes for `predict`."""

    @functools.wraps(join)
    def joining(tensors: Sequence[Any]) -> Any:
        result = join(tensors)
        is_new = type(result) is EagerTensor and all(result is not tensor for tensor in tensors)
        if is_new and _is_called_by(predict):
            joined[id(result)] = result
        return result

    return joining


def _converting(
    convert: Callable[[Any], Any], predict: types.CodeType, joined: Any
) -> Callable[[Any], Any]:
    """The function that converts outputs to NumPy; it shares the memory of noted tensors, which end with this call of `predict`."""

    @functools.wraps(convert)
    def converting(output: Any) -> Any:
        if joined.pop(id(output), None) is not output or not _is_called_by(predict):
            return convert(output)
        value = output._value
        # An array of its own memory, as a copy is: its owner may resize it.
        is_own = type(value) is np.ndarray and value.ndim and value.flags.owndata
        return value if is_own and value.flags.writeable else convert(output)

    return converting


def _is_called_by(code: types.CodeType) -> bool:
    """True if that code has called the caller's caller, itself or by a function over a structure."""
    frame: Any = sys._getframe(2)
    while frame is not None and _is_of_structures(frame):
        frame = frame.f_back
    return frame is not None and frame.f_code is code


def _is_of_structures(frame: types.FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith(STRUCTURES)


def wrap_callbacks(module: types.ModuleType) -> None:
    """Wraps the class in `keras.src.callbacks.callback_list`."""
    kind = module.CallbackList  # type: ignore[attr-defined]
    kind.on_predict_batch_end = _only_for_readers(kind.on_predict_batch_end)


def _only_for_readers(tell: Callable[..., None]) -> Callable[..., None]:
    """The method that tells callbacks of a batch's end, which returns at once if all have Keras's own empty method."""

    @functools.wraps(tell)
    def telling(self: Any, batch: Any, logs: Any = None) -> None:
        methods = [callback.on_predict_batch_end for callback in self.callbacks]
        # Keras's mark of methods that do nothing; overriding ones have none.
        if not all(getattr(method, "_is_default", False) for method in methods):
            tell(self, batch, logs)

    return telling
