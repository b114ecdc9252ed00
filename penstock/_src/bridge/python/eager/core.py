"""Counterpart of `tensorflow/python/eager/core.py`: statuses as exceptions."""

from typing import Any

from penstock._src.bridge.python.platform import tf_logging
from penstock._src.core import errors


class _NotOkStatusException(Exception):
    """A status with a code of `tf.errors`, and its message."""

    def __init__(self, message: str, code: int, payloads: Any) -> None:
        super().__init__()
        self.message, self.code, self.payloads = message, code, payloads

    def __str__(self) -> str:
        kind = errors.CLASS_OF_CODE.get(self.code, errors.UnknownError)
        return f"{kind.__name__}: {self.message}"


def _status_to_exception(status: Any) -> Exception:
    """Returns the error of `tf.errors` for a status, which is logged."""
    tf_logging.error_log(str(status))
    kind = errors.CLASS_OF_CODE.get(status.code, errors.UnknownError)
    return kind(None, None, status.message)
