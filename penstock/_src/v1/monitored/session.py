"""MonitoredSession and related classes: sessions with hooks, for training loops of TensorFlow 1."""

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.train.coordinator import Coordinator
from penstock._src.core.errors import OutOfRangeError
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.inputs.queue_runner import start_queue_runners
from penstock._src.v1.monitored.hooks import SessionRunHook
from penstock._src.v1.monitored.layers import (
    CoordinatedSession,
    HookedSession,
    RecoverableSession,
    StepContext,
)
from penstock._src.v1.monitored.manager import (
    ChiefSessionCreator,
    SessionCreator,
    WorkerSessionCreator,
)
from penstock._src.v1.monitored.saving_hooks import (
    CheckpointSaverHook,
    StepCounterHook,
    SummarySaverHook,
)
from penstock._src.v1.monitored.scaffold import Scaffold
from penstock._src.v1.monitored.worker_context import WorkerContext, get_current_worker_context
from penstock._src.v1.variables.collections import GraphKeys

USE_DEFAULT = object()
_SAVE_SECONDS = 600
_SUMMARY_STEPS = 100


class CoordinatedCreator(SessionCreator):
    """Makes sessions with a coordinator and hooks; remembers the plain session of the last."""

    def __init__(
        self, creator: SessionCreator, hooks: Sequence[SessionRunHook], grace: float
    ) -> None:
        self._creator, self._hooks, self._grace = creator, hooks, grace
        self.coord: Coordinator | None = None
        self.tf_sess: Any = None

    def create_session(self) -> CoordinatedSession:
        """Create a session, start its queue runners and notify the hooks."""
        self.tf_sess = self._creator.create_session()
        self.coord = Coordinator(clean_stop_exception_types=[])
        if get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        return CoordinatedSession(HookedSession(self.tf_sess, self._hooks), self.coord, self._grace)


class LayeredSession:
    """Base of MonitoredSession and SingularMonitoredSession."""

    StepContext = StepContext
    recovers = True

    def __init__(
        self,
        session_creator: SessionCreator,
        hooks: Sequence[SessionRunHook] | None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph_was_finalized = get_default_graph().finalized
        self._hooks = hooks or []
        for hook in self._hooks:
            hook.begin()
        self._coordinated_creator = CoordinatedCreator(
            session_creator, self._hooks, stop_grace_period_secs
        )
        self._sess: Any = (
            RecoverableSession(self._coordinated_creator)
            if self.recovers
            else self._coordinated_creator.create_session()
        )

    @property
    def graph(self) -> Any:
        """The graph; None once the session is closed."""
        return None if self._tf_sess() is None else self._tf_sess().graph

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs fetches together with those of the hooks.

        Raises:
          RuntimeError: the session is closed.
        """
        return self._layers().run(
            fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata
        )

    def _layers(self) -> Any:
        if self._sess is None:
            raise RuntimeError("Attempted to use a closed session.")
        return self._sess

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls `step_fn(step_context)` with a StepContext; returns its result.

        Raises:
          StopIteration: the function has called `request_stop()`; the end of a `with` block takes it.
          ValueError: the function has other parameters.
        """
        names = tuple(inspect.signature(step_fn).parameters)
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and "
                f"`step_context` arguments if it's an instance method. Got {names} instead."
            )
        return self._layers().run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

    def should_stop(self) -> bool:
        """True if a hook has requested a stop or the session is closed."""
        return self._sess is None or self._sess.should_stop()

    def close(self) -> None:
        """Ends the hooks, and closes the session."""
        self._close(None)

    def _close(self, exception_type: Any) -> None:
        try:
            if not exception_type:
                for hook in self._hooks:
                    hook.end(self._coordinated_creator.tf_sess)
        finally:
            try:
                if self._sess is None:
                    raise RuntimeError("Session is already closed.")
                self._sess.close()
            finally:
                self._sess = None
                self._coordinated_creator.tf_sess = self._coordinated_creator.coord = None
                if not self._graph_was_finalized:
                    get_default_graph()._unsafe_unfinalize()

    def _is_closed(self) -> bool:
        return self._coordinated_creator.tf_sess is None

    def _tf_sess(self) -> Any:
        return self._coordinated_creator.tf_sess

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (OutOfRangeError, StopIteration):  # the end of the data ends the loop
            exception_type = None
        self._close(exception_type)
        return exception_type is None


@export(v1=["train.MonitoredSession"])
class MonitoredSession(LayeredSession):
    """A session with hooks that is replaced by a new one when the server fails.

    Args:
      session_creator: a SessionCreator; ChiefSessionCreator() by default.
      hooks: SessionRunHooks.
      stop_grace_period_secs: how long to wait for the threads of queues at the end.
    """

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        if session_creator is None:
            context = get_current_worker_context()
            session_creator = (
                ChiefSessionCreator() if context is None else context.session_creator()
            )
        super().__init__(session_creator, hooks, stop_grace_period_secs)


@export(v1=["train.SingularMonitoredSession"])
class SingularMonitoredSession(LayeredSession):
    """A session with hooks that ends when the server fails.

    Args:
      hooks: SessionRunHooks.
      scaffold: a Scaffold.
      master, config: of the session.
      checkpoint_dir: the folder of checkpoints; or `checkpoint_filename_with_path`, the checkpoint.
      stop_grace_period_secs: how long to wait for the threads of queues at the end.
    """

    recovers = False

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: Any = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: Any = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path
        )
        super().__init__(creator, hooks, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """Returns the session without hooks."""
        return self._tf_sess()


@export(v1=["train.MonitoredTrainingSession"])
def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: Any = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: Any = None,
    save_graph_def: bool = True,
) -> MonitoredSession:
    """Returns a MonitoredSession that restores, saves, and writes summaries.

    Args:
      master, config: of the session.
      is_chief: whether this process prepares the model rather than waits for it.
      checkpoint_dir: where checkpoints are read and written; None for no checkpoints.
      scaffold: a Scaffold.
      hooks, chief_only_hooks: additional hooks.
      save_checkpoint_secs, save_checkpoint_steps: how often to save; 600 seconds by default.
      save_summaries_steps, save_summaries_secs: how often to write summaries; 100 steps by default.
      stop_grace_period_secs: how long to wait for the threads of queues at the end.
      log_step_count_steps: how often to log the step rate; None for never.
      max_wait_secs: how long to wait for the chief.
      summary_dir: where summaries are written; `checkpoint_dir` by default.
      save_graph_def: whether the graph is written with checkpoints.
    """
    scaffold = scaffold or Scaffold()
    context = get_current_worker_context()
    added = list(hooks or ())
    if context is None and not is_chief:
        creator: SessionCreator = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(creator, added, stop_grace_period_secs)
    saves, writes = _folders(context, checkpoint_dir, summary_dir or checkpoint_dir)
    if context is None or not context.distributed_mode or context.is_chief:
        added += list(chief_only_hooks or ())
    if writes:
        if log_step_count_steps and log_step_count_steps > 0:
            added.append(StepCounterHook(log_step_count_steps, output_dir=writes))
        steps, seconds = _period(save_summaries_steps, save_summaries_secs, _SUMMARY_STEPS, None)
        if steps or seconds:
            added.append(SummarySaverHook(steps, seconds, writes, scaffold=scaffold))
    if saves:
        steps, seconds = _period(save_checkpoint_steps, save_checkpoint_secs, None, _SAVE_SECONDS)
        if steps or seconds:
            added.append(
                CheckpointSaverHook(
                    saves, seconds, steps, scaffold=scaffold, save_graph_def=save_graph_def
                )
            )
    if context is None:
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    else:
        creator = context.session_creator(
            scaffold, config, checkpoint_dir, max_wait_secs=max_wait_secs
        )
    return MonitoredSession(creator, added, stop_grace_period_secs)


def _folders(context: WorkerContext | None, checkpoints: Any, summaries: Any) -> tuple[Any, Any]:
    """The folders in which this task saves and writes summaries; None for neither."""
    if context is None:
        return checkpoints, summaries
    other = context.other_folder

    def own(folder: Any, is_due: bool) -> Any:
        if is_due or not folder:
            return folder
        return None if other is None else os.path.join(folder, other)

    return (
        own(checkpoints, context.should_checkpoint),
        own(summaries, context.should_save_summary),
    )


def _period(steps: Any, seconds: Any, usual_steps: Any, usual_seconds: Any) -> tuple[Any, Any]:
    """Return (steps, seconds), at most one of them set; the defaults if neither is given."""
    if steps is USE_DEFAULT and seconds is USE_DEFAULT:
        return usual_steps, usual_seconds
    return (None if steps is USE_DEFAULT else steps), (None if seconds is USE_DEFAULT else seconds)
