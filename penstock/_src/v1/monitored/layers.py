"""The layers of a monitored session, innermost first: hooks around each call, a coordinator, recovery from lost servers."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.train.coordinator import Coordinator
from penstock._src.core.errors import AbortedError, UnavailableError
from penstock._src.proto.config import RunMetadata, RunOptions
from penstock._src.util.signatures import read_only
from penstock._src.v1.monitored.hooks import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from penstock._src.v1.monitored.manager import SessionCreator
from penstock._src.v1.process import log as logger

# Errors after which a new session may continue.
PREEMPTIONS = (AbortedError, UnavailableError)


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


class WrappedSession:
    """A session around another: it decides when to stop, and closing it raises no errors of lost servers."""

    def __init__(self, sess: Any) -> None:
        self._sess = sess
        self._wraps_layer = isinstance(sess, WrappedSession)

    graph = read_only("_sess.graph", "The graph.")
    sess_str = read_only("_sess.sess_str", "The target of the session.")

    def should_stop(self) -> bool:
        """True if the session can no longer be used, for example because it is closed."""
        if self._check_stop():
            return True
        if self._sess:
            return self._wraps_layer and self._sess.should_stop()
        return True

    def _check_stop(self) -> bool:
        """True if this wrapper requests a stop."""
        return False

    def close(self) -> None:
        """Closes the session."""
        if not self._sess:
            return
        try:
            self._sess.close()
        except PREEMPTIONS as error:
            logger.error(
                "The session could not be closed, perhaps because a server was lost: %s", error
            )
        finally:
            self._sess = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs fetches."""
        return self._sess.run(*args, **kwargs)

    def run_step_fn(
        self, step_fn: Callable[..., Any], raw_session: Any, run_with_hooks: Any
    ) -> Any:
        """Calls `step_fn` with a StepContext."""
        return step_fn(StepContext(raw_session, run_with_hooks or self.run))


class RecoverableSession(WrappedSession):
    """A session that is replaced by a new one of its creator when a server is lost."""

    def __init__(self, sess_creator: SessionCreator) -> None:
        self._creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> Any:
        while True:
            try:
                return self._creator.create_session()
            except PREEMPTIONS as error:
                logger.info("No session could be made, another try follows: %s", error)

    def _renew(self, error: Exception) -> None:
        logger.info("An error was raised, a new session is made: %s", error)
        self.close()

    def _check_stop(self) -> bool:
        try:
            return self._sess._check_stop() if self._sess else True
        except PREEMPTIONS as error:
            self._renew(error)
            self._sess = self._create_session()
            return False
        except Exception:  # whatever else ended the inner session ends this one
            return True

    def _until_done(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                self._sess = self._sess or self._create_session()
                return call()
            except PREEMPTIONS as error:
                self._renew(error)

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs fetches, again in a new session after a server was lost."""
        return self._until_done(
            lambda: self._sess.run(
                fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata
            )
        )

    def run_step_fn(
        self, step_fn: Callable[..., Any], raw_session: Any, run_with_hooks: Any
    ) -> Any:
        """Calls `step_fn`, again with a new session after a server was lost."""
        return self._until_done(
            lambda: self._sess.run_step_fn(step_fn, raw_session, self._sess.run)
        )


class CoordinatedSession(WrappedSession):
    """A session with a coordinator of threads: an error of a thread is raised by the next call."""

    def __init__(self, sess: Any, coord: Coordinator, stop_grace_period_secs: float = 120) -> None:
        super().__init__(sess)
        self._coord, self._grace = coord, stop_grace_period_secs

    def _check_stop(self) -> bool:
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def close(self) -> None:
        """Ends the threads, and closes the session."""
        self._coord.request_stop()
        try:
            self._coord.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
        finally:
            try:
                super().close()
            except Exception as error:  # threads may have taken the session down with them
                logger.info("The session was not closed in good order: %s", error)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs fetches."""
        try:
            return self._sess.run(*args, **kwargs)
        except PREEMPTIONS:
            raise
        except Exception as error:
            # A lost server seen by a thread is the cause; any other error of threads follows from this one.
            try:
                self._coord.raise_requested_exception()
            except PREEMPTIONS:
                raise
            except Exception:
                raise error from None
            raise


class HookedSession(WrappedSession):
    """A session with hooks around each call."""

    def __init__(self, sess: Any, hooks: Sequence[SessionRunHook]) -> None:
        super().__init__(sess)
        self._hooks = hooks
        self._should_stop = False

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs fetches together with those of the hooks.

        Raises:
          RuntimeError: the end was requested.
        """
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        options = options or RunOptions()
        run_metadata = run_metadata or RunMetadata()
        wanted: dict[Any, Any] = {"caller": fetches}
        feeds = self._ask_hooks(context, wanted, feed_dict, options)
        results = super().run(
            fetches=wanted, feed_dict=feeds, options=options, run_metadata=run_metadata
        )
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(results.get(hook), options, run_metadata))
        self._should_stop = self._should_stop or context.stop_requested
        return results["caller"]

    def _ask_hooks(
        self, context: SessionRunContext, wanted: dict[Any, Any], feed_dict: Any, options: Any
    ) -> Any:
        """Adds the hooks' fetches to `wanted`, and their options to `options`; returns all feeds."""
        feeds: dict[Any, Any] = {}
        for hook in self._hooks:
            asked = hook.before_run(context)
            if asked is None:
                continue
            if asked.fetches is not None:
                wanted[hook] = asked.fetches
            if asked.feed_dict:
                _refuse_conflicts(feeds, asked.feed_dict, "Same tensor is fed by two hooks.")
                feeds.update(asked.feed_dict)
            if asked.options:
                _merge_options(options, asked.options)
        if not feeds or not feed_dict:
            return feeds or feed_dict
        _refuse_conflicts(feed_dict, feeds, "Same tensor is fed by a SessionRunHook and user.")
        return {**feeds, **feed_dict}


def _refuse_conflicts(feeds: Any, others: Any, message: str) -> None:
    conflicts = [key for key in others if any(key is other for other in feeds)]
    if conflicts:
        raise RuntimeError(f"{message} Conflict(s): {conflicts}")


def _merge_options(options: Any, others: Any) -> None:
    """Merges the RunOptions `others` into `options`: the larger numbers, all watches, whatever either wants."""
    for field in (
        "trace_level",
        "timeout_in_ms",
        "inter_op_thread_pool",
        "output_partition_graphs",
        "report_tensor_allocations_upon_oom",
    ):
        setattr(options, field, max(getattr(options, field), getattr(others, field)))
    debug, added = options.debug_options, others.debug_options
    debug.debug_tensor_watch_opts.extend(added.debug_tensor_watch_opts)
    debug.reset_disk_byte_usage = debug.reset_disk_byte_usage or added.reset_disk_byte_usage
