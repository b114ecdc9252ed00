"""SessionManager, which creates sessions with initialized or restored variables, and session creators."""

import time
from typing import Any

import numpy as np

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import DeadlineExceededError
from penstock._src.saving.state import latest_checkpoint
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.graphs.session import Session
from penstock._src.v1.monitored.scaffold import Scaffold
from penstock._src.v1.process import log as logger


@export(v1=["train.SessionManager"])
class SessionManager:
    """Creates sessions that are ready to train.

    Args:
      local_init_op, local_init_feed_dict: run in every session.
      ready_op, ready_for_local_init_op: return the names of uninitialized variables.
      graph: the graph; by default the current one.
      recovery_wait_secs: the time between two checks whether the chief has prepared the model.
      local_init_run_options: accepted.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Any = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        self._graph = graph or get_default_graph()
        self._local_init_op, self._local_feeds = local_init_op, local_init_feed_dict
        self._ready_op, self._ready_for_local = ready_op, ready_for_local_init_op
        self._wait = recovery_wait_secs

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Any = None,
    ) -> Any:
        """Returns a session with variables restored from a checkpoint, or else initialized.

        Raises:
          RuntimeError: nothing initializes them, or they are not ready afterwards.
        """
        session, restored = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path,
            wait_for_checkpoint, max_wait_secs, config,
        )  # fmt: skip
        if not restored:
            if init_op is None and init_fn is None and self._local_init_op is None:
                raise RuntimeError(
                    "Model is not initialized and no init_op or init_fn or local_init_op was given"
                )
            if init_op is not None:
                session.run(init_op, feed_dict=init_feed_dict)
            if init_fn is not None:
                init_fn(session)
        missing = self._run_local_init(session) or self._missing(session, self._ready_op)
        if missing:
            raise RuntimeError(
                "Init operations did not make model ready. "
                f"Init op: {getattr(init_op, 'name', init_op)}, init fn: {init_fn}, local_init_op: "
                f"{getattr(self._local_init_op, 'name', self._local_init_op)}, error: {missing}"
            )
        return session

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Any, bool]:
        """Returns (a session restored from a checkpoint if there is one, whether it is ready)."""
        session, restored = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path,
            wait_for_checkpoint, max_wait_secs, config,
        )  # fmt: skip
        if not restored:
            return session, False
        missing = self._run_local_init(session) or self._missing(session, self._ready_op)
        if missing:
            logger.info("Restoring model did not make it ready: %s", missing)
        return session, not missing

    def wait_for_session(
        self, master: str, config: Any = None, max_wait_secs: float = float("Inf")
    ) -> Any:
        """Returns a session once another session on the same server has prepared the model.

        Raises:
          DeadlineExceededError: the time ran out.
        """
        end = time.monotonic() + max_wait_secs
        while True:
            session = Session(master, self._graph, config)
            missing = self._missing(session, self._ready_for_local) or self._run_local_init(session)
            missing = missing or self._missing(session, self._ready_op)
            if not missing:
                return session
            session.close()
            if time.monotonic() + self._wait > end:
                raise DeadlineExceededError(
                    f"Session was not ready after waiting {int(max_wait_secs)} secs."
                )
            logger.info("Waiting for model to be ready: %s", missing)
            time.sleep(self._wait)

    def _restored(
        self,
        master: str,
        saver: Any,
        folder: Any,
        path: Any,
        wait: bool,
        most_seconds: float,
        config: Any,
    ) -> tuple[Any, bool]:
        """Returns (a session, whether its variables were restored)."""
        session = Session(master, self._graph, config)
        if folder and path:
            raise ValueError(
                "Can not provide both checkpoint_dir and checkpoint_filename_with_path."
            )
        if saver is None or not (folder or path):
            return session, False
        if path:
            saver.restore(session, path)
            return session, True
        checkpoint, end = latest_checkpoint(folder), time.monotonic() + most_seconds
        while checkpoint is None and wait and time.monotonic() < end:
            time.sleep(self._wait)
            checkpoint = latest_checkpoint(folder)
        if checkpoint is None:
            return session, False
        logger.info("Restoring parameters from %s", checkpoint)
        saver.restore(session, checkpoint)
        saver.recover_last_checkpoints([checkpoint])
        return session, True

    def _run_local_init(self, session: Any) -> str:
        """Runs the local initialization if its variables are ready; returns the missing ones."""
        missing = self._missing(session, self._ready_for_local)
        if self._local_init_op is not None and not missing:
            logger.info("Running local_init_op.")
            session.run(self._local_init_op, feed_dict=self._local_feeds)
            logger.info("Done running local_init_op.")
        return missing

    @staticmethod
    def _missing(session: Any, ready_op: Any) -> str:
        """The variables that a ready operation reports as missing, as a string."""
        if ready_op is None:
            return ""
        names = np.ravel(session.run(ready_op))
        listed = ", ".join(n.decode() if isinstance(n, bytes) else str(n) for n in names)
        return f"Variables not initialized: {listed}" if names.size else ""


@export(v1=["train.SessionCreator"])
class SessionCreator:
    """Base class of the factories of sessions for MonitoredSession."""

    def create_session(self) -> Any:
        """Returns a new session."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


def _manager(scaffold: Scaffold) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=STATE.graph,
    )


@export(v1=["train.ChiefSessionCreator"])
class ChiefSessionCreator(SessionCreator):
    """Creates sessions that initialize or restore the model.

    Args:
      scaffold: a Scaffold.
      master: the target of the session.
      config: a ConfigProto.
      checkpoint_dir: the folder of checkpoints; or `checkpoint_filename_with_path`, the checkpoint.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master, self._config = master, config
        self._folder, self._path = checkpoint_dir, checkpoint_filename_with_path

    def create_session(self) -> Any:
        """Returns a new session."""
        scaffold = self._scaffold
        with get_default_graph().as_default():
            scaffold.finalize()
            return _manager(scaffold).prepare_session(
                self._master,
                init_op=scaffold.init_op,
                saver=scaffold.saver,
                checkpoint_dir=self._folder,
                checkpoint_filename_with_path=self._path,
                config=self._config,
                init_feed_dict=scaffold.init_feed_dict,
                init_fn=scaffold.init_fn,
            )


@export(v1=["train.WorkerSessionCreator"])
class WorkerSessionCreator(SessionCreator):
    """Creates sessions that wait until the chief has prepared the model.

    Args:
      scaffold: a Scaffold.
      master: the target of the session.
      config: a ConfigProto.
      max_wait_secs: how long to wait.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master, self._config, self._wait = master, config, max_wait_secs

    def create_session(self) -> Any:
        """Returns a new session."""
        with get_default_graph().as_default():
            self._scaffold.finalize()
            manager = _manager(self._scaffold)
            return manager.wait_for_session(self._master, self._config, self._wait)
