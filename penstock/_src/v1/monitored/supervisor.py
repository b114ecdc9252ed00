"""tf.compat.v1.train.Supervisor: sessions that restore, save and write summaries automatically."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

from penstock._src.api.train.coordinator import Coordinator, LooperThread
from penstock._src.core.dispatch import STATE
from penstock._src.proto.event import SessionLog, Summary
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.monitored.manager import SessionManager
from penstock._src.v1.monitored.scaffold import Scaffold
from penstock._src.v1.process import log as logger
from penstock._src.v1.saving.saver import Saver
from penstock._src.v1.summaries.summary import FileWriter, merge_all
from penstock._src.v1.variables.collections import (
    GraphKeys,
    global_variables_initializer,
    report_uninitialized_variables,
)
from penstock._src.v1.variables.global_step import get_global_step, global_step


@export(v1=["train.Supervisor"])
class Supervisor:
    """Prepares a session, and runs threads that save checkpoints and write summaries.

    Args:
      graph: the graph, which is finalized.
      ready_op, ready_for_local_init_op: return the names of uninitialized variables.
      is_chief: whether this process initializes and saves; others wait for it.
      init_op, init_feed_dict, init_fn: initialize variables.
      local_init_op, local_init_run_options: run in every session.
      logdir: the folder of checkpoints and summaries; None to write none.
      summary_op, saver, global_step, summary_writer: by default found in the graph or created; None for none.
      save_summaries_secs, save_model_secs: how often; 0 for never.
      recovery_wait_secs: the time between two checks whether the chief has prepared the model.
      stop_grace_secs: how long to wait for threads to stop.
      checkpoint_basename: the file name of the checkpoints.
      session_manager: by default a SessionManager.

    Raises:
      RuntimeError: called in eager code.
    """

    USE_DEFAULT = 0

    def __init__(
        self,
        graph: Any = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: Any = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: Any = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Any = None,
        local_init_run_options: Any = None,
    ) -> None:
        if STATE.graph is None and graph is None:
            raise RuntimeError("Supervisors are incompatible with eager execution.")
        self._graph = graph or get_default_graph()
        self._is_chief, self._logdir, self._init_fn = is_chief, logdir, init_fn
        self._init_feed_dict, self._stop_grace_secs = init_feed_dict, stop_grace_secs
        self._save_summaries_secs, self._save_model_secs = save_summaries_secs, save_model_secs
        self._save_path = os.path.join(logdir, checkpoint_basename) if logdir else None
        with self._graph.as_default():
            self._ready_op = self._default(
                ready_op, GraphKeys.READY_OP, report_uninitialized_variables
            )
            self._ready_for_local = self._default(
                ready_for_local_init_op,
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                self._uninitialized_globals if local_init_op is self.USE_DEFAULT else None,
            )
            self._init_op = self._default(init_op, GraphKeys.INIT_OP, global_variables_initializer)
            self._local_init_op = self._default(
                local_init_op, GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op
            )
            self._saver = self._default(saver, GraphKeys.SAVERS, lambda: Saver(allow_empty=True))
            self._summary_op = self._default(summary_op, GraphKeys.SUMMARY_OP, merge_all)
            self._global_step = (
                get_global_step() if global_step is self.USE_DEFAULT else global_step
            )
            self._coord = Coordinator()
            self._session_manager = session_manager or SessionManager(
                local_init_op=self._local_init_op,
                ready_op=self._ready_op,
                ready_for_local_init_op=self._ready_for_local,
                graph=self._graph,
                recovery_wait_secs=recovery_wait_secs,
                local_init_run_options=local_init_run_options,
            )
        self._summary_writer = self._writer(summary_writer) if is_chief else None
        if not is_chief:
            self._summary_op = None
        self._graph_added = False
        self._graph.finalize()

    def _default(self, value: Any, key: str, make: Any) -> Any:
        """Returns the given value, or the element of the graph's collection, which is created if it is missing."""
        if value is not self.USE_DEFAULT:
            return value
        collected = self._graph.get_collection(key)
        if collected:
            return collected[0]
        element = make() if make is not None else None
        if element is not None:
            self._graph.add_to_collection(key, element)
        return element

    def _writer(self, summary_writer: Any) -> Any:
        if summary_writer is not self.USE_DEFAULT:
            return summary_writer
        return FileWriter(self._logdir) if self._logdir else None

    def _uninitialized_globals(self) -> Any:
        return report_uninitialized_variables(
            self._graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        )

    is_chief = read_only("_is_chief", "True if this process initializes and saves.")
    session_manager = read_only("_session_manager", "Manager that makes sessions ready.")
    coord = read_only("_coord", "The coordinator of the threads.")
    init_op = read_only("_init_op", "Operation that initializes variables.")
    init_feed_dict = read_only("_init_feed_dict", "Feeds of init_op.")
    ready_op = read_only("_ready_op", "Tensor of the names of uninitialized variables.")
    ready_for_local_init_op = read_only(
        "_ready_for_local",
        "Tensor of the names of variables that must be initialized before the local operation.",
    )
    summary_writer = read_only("_summary_writer", "The writer, or None.")
    summary_op = read_only("_summary_op", "Operation that computes the summaries, or None.")
    save_summaries_secs = read_only("_save_summaries_secs", "Seconds between summaries.")
    global_step = read_only("_global_step", "The variable, or None.")
    saver = read_only("_saver", "The saver, or None.")
    save_model_secs = read_only("_save_model_secs", "Seconds between checkpoints.")
    save_path = read_only("_save_path", "Prefix of checkpoints' paths.")

    # -- sessions

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """Returns a ready session, which the chief prepares and others wait for, and starts queue runners."""
        self._coord.clear_stop()
        if not self._is_chief:
            session = self._session_manager.wait_for_session(
                master, config=config, max_wait_secs=max_wait_secs
            )
        else:
            session = self._session_manager.prepare_session(
                master,
                init_op=self._init_op,
                saver=self._saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                logger.info("Starting standard services.")
                self.start_standard_services(session)
        self.start_queue_runners(session)
        return session

    def _write_graph(self) -> None:
        if self._summary_writer is not None and not self._graph_added:
            self._summary_writer.add_graph(self._graph)
            self._graph_added = True

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """A context with a ready session; at its end, services stop and errors of their threads are raised."""
        session: Any = None
        try:
            session = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services
            )
            with session.as_default():
                yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                # Errors of threads and of the block are raised here.
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    session.close()

    # -- services

    def start_standard_services(self, sess: Any) -> Any:
        """Starts the threads that write summaries, count steps and save; returns them.

        Raises:
          RuntimeError: this is not the chief.
          ValueError: there is no `logdir`.
        """
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services.")
        if not self._logdir:
            logger.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer is not None:
            step = global_step(sess, self._global_step)
            log = SessionLog(status=SessionLog.START)
            self._summary_writer.add_session_log(log, step)
        threads = []
        if self._save_summaries_secs and self._summary_writer is not None:
            if self._summary_op is not None:
                threads.append(_Summaries(self, sess))
            if self._global_step is not None:
                threads.append(_StepRate(self, sess))
        if self._saver is not None and self._save_model_secs:
            threads.append(_Saving(self, sess))
        for thread in threads:
            thread.start()
        return threads

    def start_queue_runners(self, sess: Any, queue_runners: Any = None) -> Any:
        """Starts the threads of queue runners, by default those in the graph; returns them.

        Raises:
          RuntimeError: called in eager code.
        """
        runners = queue_runners
        if runners is None:
            runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        threads = []
        for runner in runners:
            threads.extend(runner.create_threads(sess, coord=self._coord, daemon=True, start=True))
        return threads

    def loop(
        self, timer_interval_secs: Any, target: Any, args: Any = None, kwargs: Any = None
    ) -> Any:
        """Starts a thread that calls `target` repeatedly; returns it."""
        looper = LooperThread(self._coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def stop(
        self,
        threads: Any = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops the services, and raises the error with which one of them ended."""
        self._coord.request_stop()
        try:
            self._coord.join(
                threads,
                stop_grace_period_secs=self._stop_grace_secs,
                ignore_live_threads=ignore_live_threads,
            )
        finally:
            if close_summary_writer and self._summary_writer is not None:
                self._summary_writer.add_session_log(SessionLog(status=SessionLog.STOP))
                self._summary_writer.close()
                self._graph_added = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks the threads to stop."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """True if a stop was requested."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        """A context that stops the threads if an exception is raised in it."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is requested."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that was computed elsewhere.

        Raises:
          TypeError: `summary` is not a summary.
          RuntimeError: there is no writer.
        """
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = _present_step(sess, self._global_step)
        self._summary_writer.add_summary(summary, global_step)

    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop, RequestStop, Loop = stop, request_stop, loop
    ShouldStop, StopOnException = should_stop, stop_on_exception
    WaitForStop, SummaryComputed = wait_for_stop, summary_computed


def _present_step(sess: Any, variable: Any) -> int:
    return global_step(sess, variable)


class _Service(LooperThread):
    """A thread of a supervisor with a periodic task."""

    def __init__(self, supervisor: Supervisor, session: Any, seconds: float) -> None:
        super().__init__(supervisor.coord, seconds)
        self._supervisor, self._session = supervisor, session

    def _step(self) -> Any:
        variable = self._supervisor.global_step
        return None if variable is None else _present_step(self._session, variable)


class _Summaries(_Service):
    """Writes the summaries of the graph."""

    def __init__(self, supervisor: Supervisor, session: Any) -> None:
        super().__init__(supervisor, session, supervisor.save_summaries_secs)

    def run_loop(self) -> None:
        """Writes the summaries once."""
        summary = self._session.run(self._supervisor.summary_op)
        self._supervisor.summary_writer.add_summary(summary, self._step())


class _StepRate(_Service):
    """Writes the number of steps per second."""

    def __init__(self, supervisor: Supervisor, session: Any) -> None:
        super().__init__(supervisor, session, supervisor.save_summaries_secs)
        self._last = (time.time(), self._step())

    def run_loop(self) -> None:
        """Writes the step rate once."""
        now, step = time.time(), self._step()
        rate = (step - self._last[1]) / max(now - self._last[0], 1e-9)
        self._last = now, step
        name = f"{self._supervisor.global_step.op.name}/sec"
        summary = Summary(value=[Summary.Value(tag=name, simple_value=rate)])
        self._supervisor.summary_writer.add_summary(summary, step)


class _Saving(_Service):
    """Saves checkpoints."""

    def __init__(self, supervisor: Supervisor, session: Any) -> None:
        super().__init__(supervisor, session, supervisor.save_model_secs)

    def run_loop(self) -> None:
        """Saves one checkpoint."""
        supervisor = self._supervisor
        supervisor.saver.save(
            self._session, supervisor.save_path, global_step=supervisor.global_step
        )


@export(v1=["train.basic_train_loop"])
def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Any,
    args: Any = None,
    kwargs: Any = None,
    master: str = "",
) -> None:
    """Calls `train_step_fn(session, *args, **kwargs)` in a session of the supervisor until a stop is requested."""
    with supervisor.managed_session(master) as session:
        while not supervisor.should_stop():
            train_step_fn(session, *(args or ()), **(kwargs or {}))
