"""Writing the files of checkpoints in a thread, while the program goes on."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("tensorflow")


class BackgroundWriter:
    """Writes one checkpoint at a time. The interpreter does not end before it is written."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, write: Callable[[], None]) -> None:
        """Begins to write, after the previous write has ended.

        Raises:
          Exception: the previous write has failed.
        """
        self.wait()

        def run() -> None:
            try:
                write()
            except Exception as error:  # raised to the next caller that waits or writes
                log.error("A checkpoint could not be written: %s", error)
                self._error = error

        self._thread = threading.Thread(target=run, name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Waits until everything is written.

        Raises:
          Exception: writing has failed.
        """
        if self._thread is not None and self._thread is not threading.current_thread():
            # Ctrl-C may have kept it from starting.
            if self._thread.is_alive():
                self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error
