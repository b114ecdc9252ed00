"""Tracebacks without the library's frames: users see their own lines and the message.

A function that users call ends in

    except Exception as error:
        shorten(error)
        raise

which costs nothing while there is no error, and unlike a wrapper adds no frame: a bare `raise` does not put the function itself
into the traceback again. Frames are dropped where the error leaves the library, so that debuggers, notebooks, test runners and
logs all see the short traceback.
"""

import functools
import sys
import threading
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from penstock._src.core.errors import (
    InaccessibleTensorError,
    LateText,
    OperatorNotAllowedInGraphError,
    OpError,
)
from penstock._src.util.locations import Location, belongs_to_library, is_own, is_users

Function = TypeVar("Function", bound=Callable[..., Any])


class _Settings(threading.local):
    filters = True


_SETTINGS = _Settings()


def set_filtering(enabled: bool) -> None:
    """Sets whether errors of this thread lose the library's frames."""
    _SETTINGS.filters = enabled


def is_filtering() -> bool:
    """Returns whether errors of this thread lose the library's frames."""
    return _SETTINGS.filters


def shorten(error: BaseException) -> None:
    """Drops the library's frames from the traceback of an error, and its cause if the cause is internal to the library.

    Called in an exception handler of a function of the library; does nothing if the library itself called that function.
    """
    frame = sys._getframe(1).f_back
    if frame is None or is_own(frame.f_code.co_filename) or not _SETTINGS.filters:
        return
    error.__traceback__ = without_own_frames(error.__traceback__)
    _hide_own_causes(error)


def drop_frames(error: BaseException) -> BaseException:
    """Removes the tracebacks of an error and of its causes before it is stored, as their frames keep the callers' values alive.

    Returns:
      The error.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error


def without_own_frames(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """Returns a traceback without the library's frames and without the frames of other libraries that it called."""
    kept = []
    called_by_own = True
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if is_own(file):
            called_by_own = True
        elif is_users(file) and not belongs_to_library(file):
            called_by_own = False
        if not called_by_own:
            kept.append(traceback)
        traceback = traceback.tb_next
    for entry, following in zip(kept, [*kept[1:], None]):
        entry.tb_next = following
    return kept[0] if kept else None


def _hide_own_causes(error: BaseException) -> None:
    """Keeps of the errors that led to this one those which came through the user's code."""
    if getattr(error, "shows_cause", False):
        return
    if error.__cause__ is not None:
        if came_through_users_code(error.__cause__):
            return
        error.__cause__ = None
        error.__suppress_context__ = False
    if error.__suppress_context__:
        return
    context = error.__context__
    while context is not None and not came_through_users_code(context):
        context = context.__context__
    error.__context__ = context


def came_through_users_code(error: BaseException) -> bool:
    """Returns whether the traceback of an error has a line of the user's."""
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if is_users(file) and not belongs_to_library(file):
            return True
        traceback = traceback.tb_next
    return False


def name_users_line(error: Exception) -> None:
    """Adds the user's line that an error comes from to its message, if there is one and the message does not name it.

    The message of an error of a user's own class is left alone: there the line is a note.
    """
    location = _users_line(error.__traceback__)
    if location is None or PLACE in str(error) or any(PLACE in n for n in _notes_of(error)):
        return
    place = location.in_user_code()
    if isinstance(error, OpError):
        error._message = f"{error._message}\n{place}"
        error.args = (error._message,)
    elif (
        type(error) in _WITH_MESSAGE
        and len(error.args) == 1
        and isinstance(error.args[0], (str, LateText))
    ):
        error.args = (f"{error.args[0]}\n{place}",)
    else:
        error.add_note(place)


PLACE = "in user code: "
_WITH_MESSAGE = (
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    NotImplementedError,
    IndexError,
    AssertionError,
    NameError,
    OperatorNotAllowedInGraphError,
    InaccessibleTensorError,
)


def _notes_of(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def _users_line(traceback: types.TracebackType | None) -> Location | None:
    """Returns the innermost line of the user's in a traceback."""
    innermost = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_users(code.co_filename) and not belongs_to_library(code.co_filename):
            innermost = Location(code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return innermost


def shortening(function: Function) -> Function:
    """Makes the errors of a public function short, at the price of a call; `shorten` is for functions that are called often."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    return call  # type: ignore[return-value]


def shortening_methods(*names: str) -> Callable[[type], type]:
    """Returns a class decorator that makes the errors of some methods short, as `shortening`."""

    def decorate(cls: type) -> type:
        for name in names:
            method = cls.__dict__[name]
            if isinstance(method, staticmethod | classmethod):
                setattr(cls, name, type(method)(shortening(method.__func__)))
            else:
                setattr(cls, name, shortening(method))
        return cls

    return decorate


# -- failed calls, kept as long as their errors live

# (function, arguments, named arguments) of a call.
Call = tuple[Any, Sequence[Any], dict[str, Any]]
_CALLS: weakref.WeakKeyDictionary[OpError, Call] = weakref.WeakKeyDictionary()


def note_failure(
    error: Exception, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> None:
    """Remembers the outermost call that an operation's error ended."""
    if isinstance(error, OpError):
        _CALLS[error] = function, args, kwargs


def failed_call(error: BaseException) -> Call | None:
    """The call that an error ended; None if it was none of a function."""
    return _CALLS.get(error) if isinstance(error, OpError) else None
