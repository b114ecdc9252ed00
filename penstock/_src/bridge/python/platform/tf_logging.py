"""The functions of the logger "tensorflow": `tensorflow.python.platform.tf_logging`."""

import logging

from penstock._src.v1.process.log import debug, error, fatal, info, log, log_first_n, warn, warning


def error_log(error_msg: str, level: int = logging.ERROR) -> None:
    """Logs a message."""
    log(level, error_msg)
