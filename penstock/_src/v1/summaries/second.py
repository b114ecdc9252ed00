"""Summaries of TensorFlow 1 that go to a writer of TensorFlow 2, where one is the default."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import executing_eagerly_outside_functions
from penstock._src.observe.writer import CURRENT, get_step
from penstock._src.v1.variables.global_step import get_global_step

_NOT_ACTIVE = "Cannot activate TF2 compatibility support for TF1 summary ops: "
_NO_STEP = (
    "global step not set. To set step for summary writer, use `tf.summary.SummaryWriter.as_default(step=_)`, "
    "`tf.summary.experimental.set_step()` or `tf.compat.v1.train.create_global_step()`."
)

Scope = contextlib.AbstractContextManager[tuple[str, str]]


def written(scope: Callable[[], Scope], write: Callable[[str, Any], Any]) -> Tensor | None:
    """Writes a summary to the default writer.

    Args:
      scope: gives the context of the summary, a tag and a name.
      write: of the tag and the step.

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
        write(tag, step)
    return convert_to_tensor(b"")


def _step() -> Any:
    step = get_step()
    return get_global_step() if step is None else step


@contextlib.contextmanager
def _tag(scope: Scope) -> Iterator[str]:
    """The tag of a summary, outside of all scopes, which it contains already."""
    with scope as (tag, _), name_scope(""):
        yield tag
