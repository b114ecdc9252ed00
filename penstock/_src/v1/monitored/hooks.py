"""SessionRunHook, the callbacks around each call of a session, and hooks that only observe."""

import collections
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OutOfRangeError
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.process import log as logger
from penstock._src.v1.variables.global_step import get_or_create_global_step_read


@export(v1=["train.SessionRunArgs"])
class SessionRunArgs(collections.namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """Fetches, feeds and options that a hook adds to a call."""

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> "SessionRunArgs":
        """Returns the arguments."""
        return super().__new__(cls, fetches, feed_dict, options)


SessionRunValues = collections.namedtuple(
    "SessionRunValues", ["results", "options", "run_metadata"]
)
SessionRunValues.__doc__ = "Results of a hook's fetches, with the options and metadata of the call."
export(v1=["train.SessionRunValues"])(SessionRunValues)


@export(v1=["train.SessionRunContext"])
class SessionRunContext:
    """The arguments and session of a call; a hook can request the end of the loop through it."""

    def __init__(self, original_args: Any, session: Any) -> None:
        self._args, self._session, self._stop = original_args, session, False

    original_args = read_only("_args", "The SessionRunArgs that the caller gave.")
    session = read_only("_session", "The session.")
    stop_requested = read_only("_stop", "True if a hook has requested a stop.")

    def request_stop(self) -> None:
        """Requests the end of the loop."""
        self._stop = True


@export(v1=["train.SessionRunHook"])
class SessionRunHook:
    """Base class of callbacks around the calls of a monitored session. All methods may be overridden."""

    def begin(self) -> None:
        """Called once, while operations may still be added to the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called with each new session."""

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Called before each call; returns SessionRunArgs or None."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Called after each call, with the fetched values."""

    def end(self, session: Any) -> None:
        """Called at the end, unless an error ended the loop."""


@export(v1=["train.NanLossDuringTrainingError"])
class NanLossDuringTrainingError(RuntimeError):
    """A loss is NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


@export(v1=["train.SecondOrStepTimer"])
class SecondOrStepTimer:
    """Determines when an action is due: every given number of seconds or of steps.

    Raises:
      ValueError: not exactly one of the two is given.
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._seconds, self._steps = every_secs, every_steps
        self.reset()

    def reset(self) -> None:
        """Resets the time of the last trigger."""
        self._last_step: int | None = None
        self._last_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """True if the timer is due at a step."""
        if self._last_step is None or self._last_time is None:
            return True
        if self._last_step == step:
            return False
        if self._seconds is not None:
            return time.time() >= self._last_time + self._seconds
        return step >= self._last_step + (self._steps or 0)

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Records a trigger; returns (seconds, steps) since the previous one."""
        now = time.time()
        if self._last_step is None or self._last_time is None:
            elapsed: tuple[float | None, int | None] = (None, None)
        else:
            elapsed = now - self._last_time, step - self._last_step
        self._last_time, self._last_step = now, step
        return elapsed

    def last_triggered_step(self) -> int | None:
        """Returns the step of the last trigger."""
        return self._last_step


def step_counter(hook: SessionRunHook) -> Any:
    """A read of the global step of the graph, which comes before the step of the same call is counted.

    Raises:
      RuntimeError: there is none.
    """
    counter = get_or_create_global_step_read()
    if counter is None:
        raise RuntimeError(f"Global step should be created to use {type(hook).__name__}.")
    return counter


class StepHook(SessionRunHook):
    """Base class of hooks that look at the global step with every call."""

    _steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        """Finds the step counter."""
        self._step = step_counter(self)

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Fetches the step."""
        return SessionRunArgs(self._step)


def as_tensor(tensor: Any) -> Any:
    """Returns a tensor of the graph, given itself or by name."""
    if isinstance(tensor, str):
        return STATE.graph.as_graph_element(tensor)
    return tensor if hasattr(tensor, "op") else convert_to_tensor(tensor)


@export(v1=["train.LoggingTensorHook"])
class LoggingTensorHook(SessionRunHook):
    """Logs values of tensors.

    Args:
      tensors: tensors or their names, as a list or by tags.
      every_n_iter, every_n_secs: how often; exactly one of the two.
      at_end: whether to log at the end as well (then neither is needed).
      formatter: formats {tag: value} as a string.

    Raises:
      ValueError: not exactly one frequency is given.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError(
                "either at_end and/or exactly one of every_n_iter and every_n_secs must be provided."
            )
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._given = dict(tensors)
        else:
            self._given = {t if isinstance(t, str) else t.name: t for t in tensors}
        self._formatter, self._at_end = formatter, at_end
        self._timer = None if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)

    def begin(self) -> None:
        """Finds the tensors."""
        if self._timer is not None:
            self._timer.reset()
        self._count = 0
        self._tensors = {tag: as_tensor(tensor) for tag, tensor in self._given.items()}

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Fetches the tensors if they are due."""
        due = self._timer is not None and self._timer.should_trigger_for_step(self._count)
        self._due = due
        return SessionRunArgs(self._tensors) if due else None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Logs the tensors if they were fetched."""
        if self._due:
            self._log(run_values.results)
        self._count += 1

    def end(self, session: Any) -> None:
        """Logs the tensors if `at_end` is set."""
        if self._at_end:
            self._log(session.run(self._tensors))

    def _log(self, values: dict[str, Any]) -> None:
        seconds = None
        if self._timer is not None:
            seconds, _ = self._timer.update_last_triggered_step(self._count)
        if self._formatter is not None:
            logger.info(self._formatter(values))
            return
        text = ", ".join(f"{tag} = {values[tag]}" for tag in self._given)
        logger.info("%s%s", text, "" if seconds is None else f" ({seconds:.3f} sec)")


@export(v1=["train.StopAtStepHook"])
class StopAtStepHook(StepHook):
    """Requests the end at a step, or after a number of steps.

    Raises:
      ValueError: not exactly one of the two is given.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._count, self._last = num_steps, last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Determines the last step from the session's current step."""
        if self._last is None:
            self._last = int(session.run(self._step)) + (self._count or 0)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Requests the end once the step is reached."""
        assert self._last is not None
        # The fetch may have come before the step of this very call was counted.
        if int(run_values.results) + 1 >= self._last:
            if int(run_context.session.run(self._step)) >= self._last:
                run_context.request_stop()


@export(v1=["train.NanTensorHook"])
class NanTensorHook(SessionRunHook):
    """Ends training when a loss is NaN.

    Args:
      loss_tensor: the loss.
      fail_on_nan_loss: whether to raise NanLossDuringTrainingError rather than request the end.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss, self._fail = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Fetches the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Checks the loss."""
        if not np.isnan(run_values.results).any():
            return
        if self._fail:
            logger.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        logger.warning("Model diverged with loss = NaN.")
        run_context.request_stop()


@export(v1=["train.GlobalStepWaiterHook"])
class GlobalStepWaiterHook(StepHook):
    """Delays the first call until other processes have reached a number of steps."""

    def __init__(self, wait_until_step: int) -> None:
        self._until, self._is_waiting = wait_until_step, True

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Waits."""
        while self._is_waiting and self._until > 0:
            if int(run_context.session.run(self._step)) >= self._until:
                break
            time.sleep(0.5)
        self._is_waiting = False


@export(v1=["train.FinalOpsHook"])
class FinalOpsHook(SessionRunHook):
    """Fetches values at the end: `final_ops_values`.

    Args:
      final_ops: what to fetch.
      final_ops_feed_dict: what to feed.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._fetches, self._feeds = final_ops, final_ops_feed_dict
        self._values: Any = None

    final_ops_values = read_only("_values", "Values fetched at the end; None before.")

    def end(self, session: Any) -> None:
        """Fetches the values.

        Raises:
          OutOfRangeError: they need elements of a dataset, which has no more; this is logged.
        """
        if self._fetches is not None:
            try:
                self._values = session.run(self._fetches, feed_dict=self._feeds)
            except (OutOfRangeError, StopIteration):
                logger.warning(
                    "The final operations reached the end of the data. They should not have a dependency back to some "
                    "input source: by now, it may have no elements left."
                )
                raise


@export(v1=["train.FeedFnHook"])
class FeedFnHook(SessionRunHook):
    """Calls a function before each call of the session and feeds its result."""

    def __init__(self, feed_fn: Callable[[], Any]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Calls the function."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
