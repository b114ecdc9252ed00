"""`tensorflow.python.training.evaluation`: loops that evaluate a checkpoint, as tf_slim's `evaluation` calls them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.monitored.hooks import FinalOpsHook, SessionRunArgs, SessionRunHook
from penstock._src.v1.monitored.manager import ChiefSessionCreator
from penstock._src.v1.monitored.session import MonitoredSession
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import get_variable

__all__ = [
    "_StopAfterNEvalsHook",
    "_evaluate_once",
    "_get_latest_eval_step_value",
    "_get_or_create_eval_step",
]

_LOGGER = logging.getLogger("penstock")


def _get_or_create_eval_step() -> Any:
    """Returns the variable that counts evaluations in the default graph.

    Raises:
      ValueError: the graph has several.
    """
    counters = get_default_graph().get_collection(GraphKeys.EVAL_STEP)
    if len(counters) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    if counters:
        return counters[0]
    return get_variable(
        "eval_step",
        shape=[],
        dtype=dtypes.int64,
        initializer=Zeros(),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP],
    )


def _get_latest_eval_step_value(update_ops: Any) -> Any:
    """Returns how many evaluations there were, read after these operations."""
    update_ops = list(update_ops.values()) if isinstance(update_ops, Mapping) else update_ops
    with control_dependencies(update_ops):
        return raw.Identity(input=_get_or_create_eval_step().read_value())


class _StopAfterNEvalsHook(SessionRunHook):
    """Ends the loop after a number of evaluations; None: at the end of the data.

    Args:
      num_evals: how many.
      log_progress: False logs nothing.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        self._num_evals = num_evals
        self._evals_completed: Any = None
        # At most some ten lines for each loop.
        self._log_frequency = max(1, num_evals // 10) if num_evals and num_evals > 20 else 1
        self._log_progress = log_progress

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the count."""
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Logs the count, and stops at the last one."""
        completed = int(run_values.results["evals_completed"])
        is_last = self._num_evals is not None and completed >= self._num_evals
        if self._log_progress and self._num_evals is None:
            _LOGGER.info("Evaluation [%d]", completed)
        elif self._log_progress and (is_last or completed % self._log_frequency == 0):
            _LOGGER.info("Evaluation [%d/%d]", completed, self._num_evals)
        if is_last:
            run_context.request_stop()


def _evaluate_once(
    checkpoint_path: Any,
    master: str = "",
    scaffold: Any = None,
    eval_ops: Any = None,
    feed_dict: Mapping[Any, Any] | None = None,
    final_ops: Any = None,
    final_ops_feed_dict: Mapping[Any, Any] | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Any = None,
) -> Any:
    """Evaluates a checkpoint: runs operations until a hook or the end of the data stops them.

    Args:
      checkpoint_path: the checkpoint; None initializes the variables.
      master: of the session.
      scaffold: a Scaffold.
      eval_ops: what to run: a tensor or operation, a list, or a dict; None runs nothing.
      feed_dict: what to feed to it.
      final_ops: what to fetch at the end.
      final_ops_feed_dict: what to feed then.
      hooks: SessionRunHooks.
      config: of the session.

    Returns:
      The values of `final_ops`.
    """
    counter = _get_or_create_eval_step()
    every_hook = list(hooks or ())
    if eval_ops is not None:
        eval_ops = _with_update(eval_ops, counter.assign_add(1))
    completed = _get_latest_eval_step_value(eval_ops)
    for hook in every_hook:
        if isinstance(hook, _StopAfterNEvalsHook):
            hook._set_evals_completed_tensor(completed)
    _LOGGER.info("Starting evaluation of %s", checkpoint_path)
    creator = ChiefSessionCreator(
        scaffold, master, config, checkpoint_filename_with_path=checkpoint_path
    )
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    with MonitoredSession(session_creator=creator, hooks=[*every_hook, final]) as session:
        while eval_ops is not None and not session.should_stop():
            session.run(eval_ops, feed_dict)
    return final.final_ops_values


def _with_update(eval_ops: Any, update: Any) -> Any:
    """Returns the operations to run together with the update of the count."""
    if isinstance(eval_ops, Mapping):
        return {**eval_ops, "update_eval_step": update}
    if isinstance(eval_ops, (list, tuple)):
        return [*eval_ops, update]
    return [eval_ops, update]
