"""Hooks that write checkpoints, summaries, the step rate and traces."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from penstock._src.api.io.gfile import GFile
from penstock._src.api.io.graphs import write_graph
from penstock._src.core.dispatch import STATE
from penstock._src.proto.config import RunOptions
from penstock._src.proto.event import SessionLog, Summary
from penstock._src.util.export import export
from penstock._src.v1.graphs.timeline import Timeline
from penstock._src.v1.monitored.hooks import (
    SecondOrStepTimer,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    StepHook,
    step_counter,
)
from penstock._src.v1.process import log as logger
from penstock._src.v1.saving.meta_graph import export_meta_graph
from penstock._src.v1.summaries.summary import FileWriterCache
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.global_step import get_global_step


@export(v1=["train.CheckpointSaverListener"])
class CheckpointSaverListener:
    """Base class of listeners of a CheckpointSaverHook. All methods may be overridden."""

    def begin(self) -> None:
        """Called once, while operations may still be added to the graph."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """Called after a checkpoint is written; returning True requests the end of training."""

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end."""


@export(v1=["train.CheckpointSaverHook"])
class CheckpointSaverHook(StepHook):
    """Writes checkpoints at the beginning, periodically, and at the end.

    Args:
      checkpoint_dir: the folder.
      save_secs, save_steps: how often; exactly one of the two.
      saver: a Saver; or `scaffold`, which has one.
      checkpoint_basename: the prefix of the file names.
      scaffold: a Scaffold.
      listeners: CheckpointSaverListeners.
      save_graph_def: whether the graph is written too.

    Raises:
      ValueError: not exactly one frequency is given, or both a saver and a scaffold are given.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
    ) -> None:
        logger.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver, self._scaffold = saver, scaffold
        self._folder = os.fspath(checkpoint_dir)
        self._path = os.path.join(self._folder, checkpoint_basename)
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._listeners, self._save_graph = list(listeners or ()), save_graph_def

    def begin(self) -> None:
        """Finds the step counter and the writer."""
        self._summaries = FileWriterCache.get(self._folder)
        super().begin()
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph, and the first checkpoint."""
        step = int(session.run(self._step))
        if self._save_graph:
            write_graph(STATE.graph.as_graph_def(add_shapes=True), self._folder, "graph.pbtxt")
        saver = self._get_saver()
        self._summaries.add_graph(STATE.graph)
        self._summaries.add_meta_graph(
            export_meta_graph(graph=STATE.graph, saver_def=saver.as_saver_def() if saver else None)
        )
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Writes a checkpoint if it is due."""
        # The fetch may have come before the step of this very call was counted.
        if not self._timer.should_trigger_for_step(int(run_values.results) + self._steps_per_run):
            return
        step = int(run_context.session.run(self._step))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Writes the last checkpoint if there were steps since the previous one."""
        step = int(session.run(self._step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        logger.info("Saving checkpoints for %d into %s.", step, self._path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(
            session, self._path, global_step=step, write_meta_graph=self._save_graph
        )
        log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=self._path)
        self._summaries.add_session_log(log, step)
        return any([listener.after_save(session, step) for listener in self._listeners])

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = STATE.graph.get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(
                f"The graph has {len(savers)} savers; pass the one to use, or a scaffold."
            )
        (self._saver,) = savers
        return self._saver


def _writer(writer: Any, folder: Any) -> Any:
    """Returns the given summary writer, or the writer of a folder; None if neither is given."""
    return FileWriterCache.get(folder) if writer is None and folder else writer


@export(v1=["train.StepCounterHook"])
class StepCounterHook(StepHook):
    """Writes and logs the number of steps per second.

    Args:
      every_n_steps, every_n_secs: how often; exactly one of the two.
      output_dir: the folder of the summaries; or `summary_writer`, their writer.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps)
        self._given, self._folder = summary_writer, output_dir

    def begin(self) -> None:
        """Finds the step counter and the writer."""
        self._summaries = _writer(self._given, self._folder)
        super().begin()
        self._tag = f"{get_global_step().op.name}/sec"
        self._last: int | None = None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Writes the step rate if it is due."""
        before = int(run_values.results)
        if self._timer.should_trigger_for_step(before + self._steps_per_run):
            step = int(run_context.session.run(self._step))
            if self._timer.should_trigger_for_step(step):
                seconds, steps = self._timer.update_last_triggered_step(step)
                if seconds is not None and steps is not None:
                    self._log_and_record(steps, seconds, step)
        if before == self._last:
            logger.log_first_n(
                logging.WARNING,
                "It seems that global step (tf.train.get_global_step) has not been increased. Current value (could be "
                "stable): %s vs previous value: %s. You could increase the global step by passing "
                "tf.train.get_global_step() to Optimizer.apply_gradients or Optimizer.minimize.",
                5,
                before,
                self._last,
            )
        self._last = before

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        speed = elapsed_steps / elapsed_time if elapsed_time else float("inf")
        if self._summaries is not None:
            value = Summary.Value(tag=self._tag, simple_value=speed)
            self._summaries.add_summary(Summary(value=[value]), global_step)
        logger.info("%s: %g", self._tag, speed)


@export(v1=["train.SummarySaverHook"])
class SummarySaverHook(SessionRunHook):
    """Writes summaries periodically.

    Args:
      save_steps, save_secs: how often; exactly one of the two.
      output_dir: the folder; or `summary_writer`, the writer.
      scaffold: a Scaffold with a summary operation; or `summary_op` itself.

    Raises:
      ValueError: not exactly one of `scaffold` and `summary_op` is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._operation, self._scaffold = summary_op, scaffold
        self._given, self._folder = summary_writer, output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        """Finds the step counter and the writer."""
        self._summaries = _writer(self._given, self._folder)
        self._next_step: int | None = None
        self._step = step_counter(self)

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Fetches the step, and the summary if it is due."""
        self._due = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        fetches: dict[str, Any] = {"global_step": self._step}
        operation = self._operation if self._scaffold is None else self._scaffold.summary_op
        if self._due and operation is not None:
            fetches["summary"] = operation
        return SessionRunArgs(fetches)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Writes the summary."""
        if self._summaries is None:
            return
        step = int(run_values.results["global_step"]) + 1
        if self._next_step is None or self._due:
            step = int(run_context.session.run(self._step))
        if self._next_step is None:
            self._summaries.add_session_log(SessionLog(status=SessionLog.START), step)
        if self._due:
            self._timer.update_last_triggered_step(step)
            summaries = run_values.results.get("summary", [])
            for summary in summaries if isinstance(summaries, list) else [summaries]:
                self._summaries.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any = None) -> None:
        """Flushes the writer."""
        if self._summaries is not None:
            self._summaries.flush()


@export(v1=["train.ProfilerHook"])
class ProfilerHook(SessionRunHook):
    """Writes traces of calls as `timeline-<step>.json`, which chrome://tracing and Perfetto open.

    Args:
      save_steps, save_secs: how often; exactly one of the two.
      output_dir: the folder.
      show_dataflow: whether to connect the operations that make tensors with those that use them.
      show_memory: whether to show tensors, where their sizes are known.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._path = os.path.join(output_dir, "timeline-{}.json")
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._summaries = FileWriterCache.get(output_dir)
        self._shown = {"show_dataflow": show_dataflow, "show_memory": show_memory}

    def begin(self) -> None:
        """Finds the step counter."""
        self._next_step: int | None = None
        self._step = step_counter(self)

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Fetches the step, and requests a trace if one is due."""
        step = self._next_step
        self._due = step is not None and self._timer.should_trigger_for_step(step)
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._due else None
        return SessionRunArgs({"global_step": self._step}, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Writes the trace."""
        before = int(run_values.results["global_step"])
        if self._next_step is None:  # the first one is due only after the interval
            self._timer.update_last_triggered_step(before)
        step = before + 1
        if self._due:
            step = int(run_context.session.run(self._step))
            self._timer.update_last_triggered_step(step)
            self._save(step, run_values.run_metadata)
        self._next_step = step + 1

    def _save(self, step: int, metadata: Any) -> None:
        path = self._path.format(step)
        logger.info("Saving timeline for %d into '%s'.", step, path)
        with GFile(path, "w") as file:
            file.write(Timeline(metadata.step_stats).generate_chrome_trace_format(**self._shown))
        self._summaries.add_run_metadata(metadata, f"step_{step}")
