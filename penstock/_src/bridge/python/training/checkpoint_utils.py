"""`tensorflow.python.training.checkpoint_utils`: waiting for checkpoints."""

from __future__ import annotations

import time
from typing import Any

from penstock._src.saving.state import latest_checkpoint


def wait_for_new_checkpoint(
    checkpoint_dir: Any,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """Returns the path of the latest checkpoint once it is another one than `last_checkpoint`; None after a time.

    Args:
      checkpoint_dir: the folder.
      last_checkpoint: the path of the latest checkpoint so far.
      seconds_to_sleep: how long to wait between looks.
      timeout: seconds; for ever by default.
    """
    stop = None if timeout is None else time.time() + timeout
    while True:
        path = latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            return path
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)
