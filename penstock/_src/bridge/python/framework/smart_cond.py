"""Choices that are made at once where conditions are known: `tensorflow.python.framework.smart_cond`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.internal import smart_cond
from penstock._src.bridge.internals.control_flow import case_helper


def smart_case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    name: str = "smart_case",
) -> Any:
    """Returns what the function of the first true condition returns: a `tf.case` without the conditions that are known.

    Args:
      pred_fn_pairs: a dictionary or list of conditions and functions.
      default: the function where no condition is true.
      exclusive: whether at most one condition may be true.
      name: of the operations.

    Raises:
      TypeError: the pairs are something else.
    """
    return case_helper(smart_cond, pred_fn_pairs, default, exclusive, name, allow_python_preds=True)
