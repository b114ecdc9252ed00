"""MonitoredSession and related classes: sessions with hooks, for training loops of TensorFlow 1."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.train.coordinator import Coordinator
from penstock._src.core.errors import AbortedError, OutOfRangeError, UnavailableError
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.inputs.queue_runner import start_queue_runners
from penstock._src.v1.monitored.hooks import (
    LOG,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
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

# Errors after which a new session may continue.
PREEMPTIONS = (AbortedError, UnavailableError)
USE_DEFAULT = object()
_SAVE_SECONDS = 600
_SUMMARY_STEPS = 100


class StepContext:
    """The argument of the function of `run_step_fn`: the plain session, and calls with hooks."""

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
        self._session, self._run = session, run_with_hooks_fn

    session = read_only("_session", "The session, whose calls pass no hooks.")

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """Runs with hooks, as MonitoredSession.run does."""
        return self._run(*args, **kwargs)

    def request_stop(self) -> None:
        """Leaves the function, and requests the end of the loop."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class HookedSession:
    """A session with hooks, a coordinator, and a finalized graph."""

    StepContext = StepContext
    recovers = True

    def __init__(
        self,
        session_creator: SessionCreator,
        hooks: Sequence[SessionRunHook] | None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._creator, self._hooks = session_creator, list(hooks or ())
        self._grace = stop_grace_period_secs
        self._graph = get_default_graph()
        self._session: Any = None
        for hook in self._hooks:
            hook.begin()
        self._open()

    def _open(self) -> None:
        self._stop = False
        self._coordinator = Coordinator(clean_stop_exception_types=(OutOfRangeError,))
        self._session = self._creator.create_session()
        self._graph.finalize()
        with self._graph.as_default():
            self._threads = start_queue_runners(sess=self._session, coord=self._coordinator)
            for hook in self._hooks:
                hook.after_create_session(self._session, self._coordinator)

    @property
    def graph(self) -> Any:
        """The graph; None once the session is closed."""
        return None if self._session is None else self._graph

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs fetches together with those of the hooks.

        Raises:
          RuntimeError: the session is closed.
        """
        while True:
            self._require_open()
            try:
                with self._graph.as_default():
                    return self._run(fetches, feed_dict, options, run_metadata)
            except PREEMPTIONS as error:
                if not self.recovers:
                    raise
                LOG.info("An error was raised, a new session is made: %s", error)
                self._close_session()
                self._open()
            except Exception:
                self._coordinator.raise_requested_exception()
                raise

    def _run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict, options), self._session)
        wanted: dict[str, Any] = {"caller": fetches}
        feeds = dict(feed_dict or {})
        for number, hook in enumerate(self._hooks):
            asked = hook.before_run(context)
            if asked is None:
                continue
            if asked.fetches is not None:
                wanted[f"hook {number}"] = asked.fetches
            feeds.update(_new_feeds(hook, asked.feed_dict, feeds))
        results = self._session.run(wanted, feeds, options, run_metadata)
        for number, hook in enumerate(self._hooks):
            values = SessionRunValues(results.get(f"hook {number}"), options, run_metadata)
            hook.after_run(context, values)
        self._stop = self._stop or context.stop_requested
        return results["caller"]

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls `step_fn(step_context)` with a StepContext; returns its result.

        Raises:
          ValueError: the function has other parameters.
        """
        names = [name for name in inspect.signature(step_fn).parameters if name != "self"]
        if names != ["step_context"]:
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and "
                f"`step_context` arguments if it's an instance method. Got {tuple(names)} instead."
            )
        self._require_open()
        try:
            with self._graph.as_default():
                return step_fn(StepContext(self._session, self.run))
        except StopIteration:
            self._stop = True
            return None

    def should_stop(self) -> bool:
        """Whether a hook has requested the end, or the session is closed."""
        return self._session is None or self._stop or self._coordinator.should_stop()

    def _require_open(self) -> None:
        if self._session is None:
            raise RuntimeError("Attempted to use a closed session.")

    def close(self) -> None:
        """Ends the hooks, and closes the session."""
        self._close()

    def _close(self, error: Any = None) -> None:
        if self._session is None:
            return
        try:
            if error is None:
                with self._graph.as_default():
                    for hook in self._hooks:
                        hook.end(self._session)
        finally:
            self._close_session()

    def _close_session(self) -> None:
        session, self._session = self._session, None
        self._coordinator.request_stop()
        session.close()
        self._coordinator.join(
            self._threads, stop_grace_period_secs=self._grace, ignore_live_threads=True
        )

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (OutOfRangeError, StopIteration):
            # The end of the data ends the loop.
            self._close()
            return True
        self._close(exception_value)
        return False


def _new_feeds(hook: SessionRunHook, asked: Any, given: dict[Any, Any]) -> dict[Any, Any]:
    """The feeds that a hook adds.

    Raises:
      RuntimeError: a tensor is already fed.
    """
    for key in asked or {}:
        if any(key is other for other in given):
            raise RuntimeError(f"Same tensor is fed by {hook} and by another hook or the caller.")
    return dict(asked or {})


@export(v1=["train.MonitoredSession"])
class MonitoredSession(HookedSession):
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
        super().__init__(session_creator or ChiefSessionCreator(), hooks, stop_grace_period_secs)


@export(v1=["train.SingularMonitoredSession"])
class SingularMonitoredSession(HookedSession):
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
        return self._session


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
    added = list(hooks or ())
    if not is_chief:
        creator: SessionCreator = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(creator, added, stop_grace_period_secs)
    added += list(chief_only_hooks or ())
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    folder = summary_dir or checkpoint_dir
    if folder:
        if log_step_count_steps and log_step_count_steps > 0:
            added.append(StepCounterHook(log_step_count_steps, output_dir=folder))
        steps, seconds = _period(save_summaries_steps, save_summaries_secs, _SUMMARY_STEPS, None)
        if steps or seconds:
            added.append(SummarySaverHook(steps, seconds, folder, scaffold=scaffold))
    if checkpoint_dir:
        steps, seconds = _period(save_checkpoint_steps, save_checkpoint_secs, None, _SAVE_SECONDS)
        if steps or seconds:
            added.append(
                CheckpointSaverHook(
                    checkpoint_dir, seconds, steps, scaffold=scaffold, save_graph_def=save_graph_def
                )
            )
    return MonitoredSession(creator, added, stop_grace_period_secs)


def _period(steps: Any, seconds: Any, usual_steps: Any, usual_seconds: Any) -> tuple[Any, Any]:
    """Returns (steps, seconds), of which at most one is set; the defaults if neither is given."""
    if steps is USE_DEFAULT and seconds is USE_DEFAULT:
        return usual_steps, usual_seconds
    return (None if steps is USE_DEFAULT else steps), (None if seconds is USE_DEFAULT else seconds)
