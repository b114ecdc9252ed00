"""QueueRunner: threads that fill the queues of a session."""

import sys
import threading

from penstock._src.core.errors import (
    OpError,
    OutOfRangeError,
    error_code_from_exception_type,
    exception_type_from_error_code,
)
from penstock._src.proto.saved import QueueRunnerDef
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.graphs.session import BaseSession, get_default_session


@export(v1=["train.QueueRunner", "train.queue_runner.QueueRunner"])
class QueueRunner:
    """Threads that run enqueue operations of a session until a queue is closed.

    Args:
      queue: the queue.
      enqueue_ops: an operation for each thread.
      close_op: closes the queue; created by default.
      cancel_op: closes the queue at once; created by default.
      queue_closed_exception_types: the errors that mean the end of the input; OutOfRangeError by default.
    """

    def __init__(
        self,
        queue=None,
        enqueue_ops=None,
        close_op=None,
        cancel_op=None,
        queue_closed_exception_types=None,
        queue_runner_def=None,
        import_scope=None,
    ):
        if queue_runner_def is not None:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._init_from_proto(queue_runner_def, import_scope)
            return
        if not queue or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self._queue, self._enqueue_ops = queue, list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = (
            queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        )
        self._closed = self._checked(queue_closed_exception_types)
        self._begin()

    @staticmethod
    def _checked(kinds):
        """Returns the classes of errors that end the input; OutOfRangeError by default."""
        if kinds is None:
            return (OutOfRangeError,)
        if not (isinstance(kinds, tuple) and kinds and all(issubclass(k, OpError) for k in kinds)):
            raise TypeError(
                "queue_closed_exception_types, when provided, must be a tuple of tf.error types, but saw: "
                f"{kinds}"
            )
        return kinds

    def _begin(self):
        self._lock = threading.Lock()
        self._running = {}
        self._errors = []

    def _init_from_proto(self, queue_runner_def, import_scope):
        """Finds the operations of a QueueRunnerDef in the current graph."""
        graph = get_default_graph()

        def element(name):
            return graph.as_graph_element(f"{import_scope}/{name}" if import_scope else name)

        self._queue = element(queue_runner_def.queue_name)
        self._enqueue_ops = [element(name) for name in queue_runner_def.enqueue_op_name]
        self._close_op = element(queue_runner_def.close_op_name)
        self._cancel_op = element(queue_runner_def.cancel_op_name)
        codes = queue_runner_def.queue_closed_exception_types
        self._closed = tuple(map(exception_type_from_error_code, codes)) or (OutOfRangeError,)
        self._begin()

    def to_proto(self, export_scope=None):
        """The QueueRunnerDef, or None if the queue is not in the scope."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None

        def stripped(name):
            return name.removeprefix(f"{export_scope}/") if export_scope else name

        proto = QueueRunnerDef(queue_name=stripped(self.name))
        proto.enqueue_op_name.extend(stripped(op.name) for op in self._enqueue_ops)
        proto.close_op_name = stripped(self._close_op.name)
        proto.cancel_op_name = stripped(self._cancel_op.name)
        proto.queue_closed_exception_types.extend(
            error_code_from_exception_type(kind) for kind in self._closed
        )
        return proto

    @staticmethod
    def from_proto(queue_runner_def, import_scope=None):
        """The runner of a QueueRunnerDef, in the current graph."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)

    queue = read_only("_queue", "The queue.")
    enqueue_ops = read_only("_enqueue_ops", "The operations.")
    close_op = read_only("_close_op", "Operation that closes the queue.")
    cancel_op = read_only(
        "_cancel_op", "Operation that closes the queue and cancels pending enqueues."
    )
    queue_closed_exception_types = read_only(
        "_closed", "Exception classes that mean the queue was closed."
    )
    exceptions_raised = read_only("_errors", "Exceptions with which threads ended.")

    name = read_only("_queue.name", "The name of the queue.")

    def create_threads(self, sess, coord=None, daemon=False, start=False):
        """The threads that run the operations in `sess`.

        Args:
          sess: a session.
          coord: a Coordinator that stops them.
          daemon: whether the process ends without them.
          start: whether they are started.
        """
        with self._lock:
            if self._running.get(sess, 0) > 0:
                return []
            self._running[sess] = len(self._enqueue_ops)
            self._errors = []
        threads = [
            threading.Thread(
                target=self._run,
                args=(sess, op, coord),
                name=f"QueueRunnerThread-{self.name}-{op.name}",
            )
            for op in self._enqueue_ops
        ]
        if coord is not None:
            threads.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, coord),
                    daemon=daemon,
                    name=f"QueueRunnerThread-{self.name}-close_on_stop",
                )
            )
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            thread.daemon = daemon
            if start:
                thread.start()
        return threads

    def _run(self, sess, enqueue_op, coord):
        try:
            while coord is None or not coord.should_stop():
                sess.run(enqueue_op)
        except self._closed:
            if self._leave(sess) == 0:
                self._end(sess, self._close_op)
        except Exception as error:
            self._leave(sess)
            if coord is not None:
                coord.request_stop(error)
                return
            self._errors.append(error)
            raise
        else:
            self._leave(sess)

    def _leave(self, sess):
        """Counts a thread that ends; returns how many others still run in the session."""
        with self._lock:
            self._running[sess] -= 1
            return self._running[sess]

    def _close_on_stop(self, sess, coord):
        coord.wait_for_stop()
        self._end(sess, self._cancel_op)

    @staticmethod
    def _end(sess, op):
        try:
            sess.run(op)
        except (OpError, RuntimeError) as error:
            # the queue or the session is already closed
            print(f"QueueRunner: {error}", file=sys.stderr)


@export(v1=["train.add_queue_runner", "train.queue_runner.add_queue_runner"])
def add_queue_runner(qr, collection="queue_runners"):
    """Adds a QueueRunner to a collection of the graph."""
    get_default_graph().add_to_collection(collection, qr)


@export(v1=["train.start_queue_runners", "train.queue_runner.start_queue_runners"])
def start_queue_runners(sess=None, coord=None, daemon=True, start=True, collection="queue_runners"):
    """Starts the threads of all QueueRunners of a session's graph; returns the threads.

    Args:
      sess: a session; by default the current one.
      coord: a Coordinator that stops the threads.
      daemon: whether the process ends without them.
      start: whether they are started, or only created.
      collection: where the QueueRunners are.
    """
    if sess is None:
        sess = get_default_session()
        if sess is None:
            raise ValueError(
                "Cannot start queue runners: No default session is registered. Use `with "
                "sess.as_default()` or pass an explicit session to tf.start_queue_runners(sess=sess)"
            )
    elif not isinstance(sess, BaseSession):
        if hasattr(sess, "run_step_fn"):  # monitored sessions start their runners themselves
            return []
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    threads = []
    for runner in sess.graph.get_collection(collection):
        threads.extend(runner.create_threads(sess, coord=coord, daemon=daemon, start=start))
    return threads
