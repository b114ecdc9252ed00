"""Summaries of TensorFlow 1 that go to a writer of TensorFlow 2, where one is the default."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import executing_eagerly_outside_functions
from penstock._src.observe import summaries
from penstock._src.observe.writer import CURRENT, get_step
from penstock._src.v1.variables.global_step import get_global_step

_NOT_ACTIVE = "Cannot activate TF2 compatibility support for TF1 summary ops: "
_NO_STEP = (
    "global step not set. To set step for summary writer, use `tf.summary.SummaryWriter.as_default(step=_)`, "
    "`tf.summary.experimental.set_step()` or `tf.compat.v1.train.create_global_step()`."
)

# TensorBoard's module of writers: one function for each kind, as in `summaries`.
BOARD = "tensorboard.summary.v2"

Scope = contextlib.AbstractContextManager[tuple[str, str]]


def written(
    kind: str, scope: Callable[[], Scope], arguments: Callable[[], dict[str, Any]]
) -> Tensor | None:
    """Writes a summary to the default writer.

    Args:
      kind: the name of the function that writes it: "scalar".
      scope: gives the context of the summary, a tag and a name.
      arguments: of that function, beside the name and the step.

    Returns:
      An empty string, which `tf.compat.v1.summary.merge` takes; None in graphs of TensorFlow 1, and, with a warning, without a
      writer or a step.
    """
    if not executing_eagerly_outside_functions():
        return None
    if CURRENT.writer is None:
        warnings.warn(_NOT_ACTIVE + "default summary writer not found.", stacklevel=3)
        return None
    step = _step()
    if step is None:
        warnings.warn(_NOT_ACTIVE + _NO_STEP, stacklevel=3)
        return None
    with _tag(scope()) as tag:
        getattr(_writers(), kind)(name=tag, step=step, description=None, **arguments())
    return convert_to_tensor(b"")


def _writers() -> ModuleType:
    """The module of the functions that write summaries.

    Programs replace TensorBoard's functions to see or change what is written, so these are called, with all arguments by name,
    where TensorBoard has been imported and calls this library as `tensorflow`. It is not imported for that.
    """
    board = sys.modules.get(BOARD)
    if board is None or sys.modules.get("tensorflow") is not sys.modules["penstock"]:
        return summaries
    used = sys.modules[
        "tensorboard.compat"
    ].tf  # a part of TensorFlow, if there was none when first used
    return board if getattr(used, "Tensor", None) is Tensor else summaries


def _step() -> Any:
    step = get_step()
    return get_global_step() if step is None else step


@contextlib.contextmanager
def _tag(scope: Scope) -> Iterator[str]:
    """The tag of a summary, outside of all scopes, which it contains already."""
    with scope as (tag, _), name_scope(""):
        yield tag
