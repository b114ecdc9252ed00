"""Errors of the operating system as TensorFlow's classes."""

import contextlib
import errno
import os
from collections.abc import Iterator

from penstock._src.core import errors

_CLASSES: dict[type[errors.OpError], tuple[int, ...]] = {
    errors.NotFoundError: (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESRCH),
    errors.AlreadyExistsError: (errno.EEXIST, errno.EALREADY),
    errors.PermissionDeniedError: (errno.EPERM, errno.EACCES, errno.EROFS),
    errors.InvalidArgumentError: (errno.EINVAL, errno.ENAMETOOLONG, errno.ENOTTY, errno.EDOM),
    errors.ResourceExhaustedError: (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.EMLINK,
        errno.ENOMEM,
        errno.ENOBUFS,
    ),
    errors.OutOfRangeError: (errno.EFBIG, errno.EOVERFLOW, errno.ERANGE),
    errors.UnimplementedError: (errno.ENOSYS, errno.ENOTSUP, errno.EXDEV),
    errors.DeadlineExceededError: (errno.ETIMEDOUT,),
    errors.UnavailableError: (
        errno.EAGAIN,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENOLCK,
    ),
    errors.FailedPreconditionError: (
        errno.EISDIR,
        errno.ENOTDIR,
        errno.ENOTEMPTY,
        errno.EBADF,
        errno.EBUSY,
        errno.EPIPE,
        errno.ETXTBSY,
    ),
}
_BY_NUMBER = {
    number: error_class for error_class, numbers in _CLASSES.items() for number in numbers
}
# Errors that libraries raise without a number.
_NUMBERS = (
    (FileNotFoundError, errno.ENOENT),
    (FileExistsError, errno.EEXIST),
    (PermissionError, errno.EACCES),
    (IsADirectoryError, errno.EISDIR),
    (NotADirectoryError, errno.ENOTDIR),
    (TimeoutError, errno.ETIMEDOUT),
)


def as_tensorflow(error: OSError, path: str) -> errors.OpError:
    """TensorFlow's error for one of the operating system."""
    number = error.errno or next((n for kind, n in _NUMBERS if isinstance(error, kind)), 0)
    error_class = _BY_NUMBER.get(number, errors.UnknownError)
    return error_class(f"{path}; {os.strerror(number) if number else error}")


@contextlib.contextmanager
def translated(path: str) -> Iterator[None]:
    """Raises TensorFlow's errors for those of the operating system in its body; they name `path`."""
    try:
        yield
    except OSError as error:
        raise as_tensorflow(error, path) from error


@contextlib.contextmanager
def naming(path: str, place: str) -> Iterator[None]:
    """Errors in its body about the file `place` name `path` instead: what users asked for, not the temporary file that becomes it."""
    try:
        yield
    except errors.OpError as error:
        if place == path or place not in error.message:
            raise
        raise type(error)(error.message.replace(place, path)) from error.__cause__
