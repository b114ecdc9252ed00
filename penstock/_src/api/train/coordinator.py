"""tf.train.Coordinator: threads that stop together."""

import contextlib
import threading
import time

from penstock._src.core.errors import OutOfRangeError
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("train.Coordinator")
class Coordinator:
    """Stops threads, waits for them, and re-raises the exception of one.

    Args:
      clean_stop_exception_types: exceptions that stop the threads without being re-raised; OutOfRangeError by default.
    """

    def __init__(self, clean_stop_exception_types=None):
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (OutOfRangeError,)
        self._clean = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error = None
        self._joined = False
        self._registered_threads = set()

    joined = read_only("_joined", "True if `join` has succeeded.")

    def request_stop(self, ex=None):
        """Requests all threads to stop; `join` raises the exception of the first request.

        Args:
          ex: the exception that a thread ended with, or what `sys.exc_info` returned; None for
            none.

        Raises:
          Exception: `ex` itself, if all threads have been joined.
        """
        with self._lock:
            if isinstance(ex, tuple):
                ex = ex[1]
            if ex is not None and self._joined:
                raise ex
            is_late = self._stop.is_set()  # a thread that fails because of the stop has not failed
            if ex is not None and not isinstance(ex, self._clean) and not is_late:
                self._error = ex
            self._stop.set()

    def clear_stop(self):
        """Clears the stop request and the exception."""
        with self._lock:
            self._joined, self._error = False, None
            self._stop.clear()

    def should_stop(self):
        """True if a stop was requested.

        Returns:
          A bool.
        """
        return self._stop.is_set()

    def wait_for_stop(self, timeout=None):
        """Waits for a stop request.

        Args:
          timeout: in seconds; None: without end.

        Returns:
          A bool: whether there was one.
        """
        return self._stop.wait(timeout)

    @contextlib.contextmanager
    def stop_on_exception(self):
        """A context in which an exception requests all threads to stop.

        Returns:
          A context manager.
        """
        try:
            yield
        except Exception as error:
            self.request_stop(error)

    def register_thread(self, thread):
        """Adds a thread that `join` waits for.

        Args:
          thread: a `threading.Thread`.
        """
        with self._lock:
            self._registered_threads.add(thread)

    def raise_requested_exception(self):
        """Raises the exception that a thread ended with, if there is one.

        Raises:
          Exception: that exception.
        """
        with self._lock:
            if self._error is not None:
                raise self._error

    def join(self, threads=None, stop_grace_period_secs=120, ignore_live_threads=False):
        """Waits for the threads, and for the registered ones.

        Args:
          threads: additional threads.
          stop_grace_period_secs: how long threads may run after a stop request.
          ignore_live_threads: whether threads that run longer are ignored.

        Raises:
          RuntimeError: a thread runs longer. Or the exception of a thread.
        """
        waiting = list(self._registered_threads | set(threads or ()))
        while any(t.is_alive() for t in waiting) and not self.wait_for_stop(0.02):
            pass
        self.request_stop()
        end = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            thread.join(max(0.0, end - time.monotonic()))
        alive = [t.name for t in waiting if t.is_alive()]
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            error = self._error
        if error is not None:
            raise error
        if alive and not ignore_live_threads:
            raise RuntimeError("Coordinator stopped with threads still running: " + " ".join(alive))


@export(v1=["train.LooperThread"])
class LooperThread(threading.Thread):
    """A thread that calls a function repeatedly until its coordinator stops.

    Args:
      coord: a Coordinator.
      timer_interval_secs: seconds from start to start, or None for no pause.
      target: the function.
      args: its arguments.
      kwargs: its named arguments.
    """

    def __init__(self, coord, timer_interval_secs, target=None, args=None, kwargs=None):
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord, self._interval = coord, timer_interval_secs
        self._function, self._call_args, self._call_kwargs = target, args or (), kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(coord, timer_interval_secs, target, args=None, kwargs=None):
        """A started LooperThread."""
        thread = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        thread.start()
        return thread

    def run(self):
        """Calls the function until a stop is requested."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._interval is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.monotonic()
                while not self._coord.wait_for_stop(max(0.0, due - time.monotonic())):
                    due += self._interval
                    self.run_loop()
            self.stop_loop()

    def start_loop(self):
        """Called once before the loop."""

    def stop_loop(self):
        """Called once after the loop."""

    def run_loop(self):
        """Called in each iteration."""
        if self._function:
            self._function(*self._call_args, **self._call_kwargs)
