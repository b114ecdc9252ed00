"""TensorFlow's error classes, with its codes.

Penstock raises errors with just a message: `InvalidArgumentError("MatMul: ...")`. Users may also pass TensorFlow's three
arguments `(node_def, op, message)`.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from penstock._src.util.export import export, export_constant
from penstock._src.util.signatures import read_only

OK = 0
CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 1, 2, 3, 4, 5
ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 6, 7, 8, 9
ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 10, 11, 12, 13, 14
DATA_LOSS, UNAUTHENTICATED = 15, 16

# The names of the codes, each at its number.
CODE_NAMES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED "
    "INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split()
for _name in CODE_NAMES:
    export_constant("errors." + _name, globals()[_name])


Error = TypeVar("Error", bound=Exception)

# Parameters of TensorFlow's classes; a message alone is enough.
_ARGUMENTS = ("self", "node_def", "op", "message", "error_code")


class LateText:
    """The message of an error that callers usually catch: it is written when someone reads it.

    Args:
      write: returns the text.
    """

    def __init__(self, write: Callable[[], str]) -> None:
        self._write = write

    def __str__(self) -> str:
        return self._write()

    def __repr__(self) -> str:
        return repr(str(self))

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def _shown_as_public(cls: type[Error]) -> type[Error]:
    """Set a class's module to the one that users import it from, for tracebacks and pickles."""
    cls.__module__ = "penstock.errors"
    return cls


@_shown_as_public
@export("errors.OpError", v1=["errors.OpError", "OpError"])
class OpError(Exception):
    """The base of errors that operations raise, with a code and a message.

    Args:
      node_def: the message of the operation, or None.
      op: the operation of a graph, or None.
      message: the text.
      error_code: the number of the class, as `tf.errors.NOT_FOUND`.
      *args: further data of the error.

    >>> try:
    ...     tf.io.read_file("no/such/file")
    ... except tf.errors.OpError as error:
    ...     print(type(error).__name__, error.error_code == tf.errors.NOT_FOUND)
    NotFoundError True
    """

    CODE = UNKNOWN

    def __init__(
        self,
        node_def: Any,
        op: Any = None,
        message: str | None = None,
        error_code: int | None = None,
        *args: Any,
    ) -> None:
        if message is None and isinstance(node_def, str):
            node_def, message = None, node_def
        self._node_def, self._op = node_def, op
        self._message = message or ""
        self._origin: Any = None  # the operation at fault, of a program that has no graph any more
        # Indices of the variables that a program had assigned when it failed; None if that is not known.
        self._assigned: frozenset[int] | None = frozenset()
        self._error_code = self.CODE if not isinstance(error_code, int) else error_code
        self._experimental_payloads = args[0] if args and isinstance(args[0], dict) else {}
        super().__init__(self._message)

    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in _ARGUMENTS]
        + [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
    )

    message: str = read_only("_message", "A description of the error.")
    op = read_only("_op", "The graph operation that failed, if it is known.")
    error_code: int = read_only("_error_code", "TensorFlow's error code.")
    node_def = read_only("_node_def", "The NodeDef of the operation that failed, if it is known.")
    experimental_payloads: dict = read_only(
        "_experimental_payloads", "Additional data by type URL."
    )

    def __reduce__(self) -> Any:
        return type(self), (None, None, self._message)

    def __str__(self) -> str:
        if self._op is None:
            return self._message
        lines = [f"{self._message}", "", f"Original stack trace for '{self._op.name}':"]
        location = getattr(self._op, "location", None)
        return "\n".join((*lines, f"  {location}")) if location else self._message


_ARGS = """

Args:
  node_def: the message of the operation, or None.
  op: the operation of a graph, or None.
  message: the text.
  *args: further data of the error.
"""


def error_class(name: str, code: int, what: str, example: str = "") -> type[OpError]:
    """Returns the subclass of OpError for one code; the rest is its documentation."""

    def __init__(
        self: OpError, node_def: Any, op: Any = None, message: str | None = None, *args: Any
    ) -> None:
        OpError.__init__(self, node_def, op, message, code, *args)

    shown = inspect.signature(OpError.__init__)
    kept = [p for p in shown.parameters.values() if p.name != "error_code"]
    __init__.__signature__ = shown.replace(parameters=kept)  # type: ignore[attr-defined]
    body = {
        "CODE": code,
        "__doc__": what + _ARGS + example,
        "__init__": __init__,
        "__module__": __name__,
    }
    return _shown_as_public(export("errors." + name)(type(name, (OpError,), body)))


CancelledError = error_class("CancelledError", CANCELLED, "The operation was cancelled.")
UnknownError = error_class("UnknownError", UNKNOWN, "An unknown error.")
InvalidArgumentError = error_class(
    "InvalidArgumentError",
    INVALID_ARGUMENT,
    "An argument of an operation is not valid: its value, shape or dtype.",
    """
>>> try:
...     tf.reshape([1, 2, 3], [2, 2])
... except tf.errors.InvalidArgumentError:
...     print("no shape of three elements")
no shape of three elements
""",
)
DeadlineExceededError = error_class(
    "DeadlineExceededError", DEADLINE_EXCEEDED, "The deadline expired."
)
NotFoundError = error_class(
    "NotFoundError",
    NOT_FOUND,
    "A file or another entity does not exist.",
    """
>>> try:
...     tf.io.read_file("no/such/file")
... except tf.errors.NotFoundError:
...     print("there is no such file")
there is no such file
""",
)
AlreadyExistsError = error_class("AlreadyExistsError", ALREADY_EXISTS, "The entity exists already.")
PermissionDeniedError = error_class(
    "PermissionDeniedError", PERMISSION_DENIED, "The caller lacks permission."
)
ResourceExhaustedError = error_class(
    "ResourceExhaustedError", RESOURCE_EXHAUSTED, "Memory, disk or another resource is exhausted."
)
FailedPreconditionError = error_class(
    "FailedPreconditionError", FAILED_PRECONDITION, "The system is not in the required state."
)
AbortedError = error_class("AbortedError", ABORTED, "The operation was aborted.")
OutOfRangeError = error_class(
    "OutOfRangeError",
    OUT_OF_RANGE,
    "An iteration went past the end.",
    """
>>> iterator = iter(tf.data.Dataset.range(1))
>>> next(iterator).numpy()
np.int64(0)
>>> try:
...     iterator.get_next()
... except tf.errors.OutOfRangeError:
...     print("that was all")
that was all
""",
)
UnimplementedError = error_class(
    "UnimplementedError",
    UNIMPLEMENTED,
    "Something is not implemented; the message names it.",
    """
>>> try:
...     raise tf.errors.UnimplementedError(None, None, "MyOp: on this device")
... except tf.errors.UnimplementedError as error:
...     print(error.message)
MyOp: on this device
""",
)
InternalError = error_class("InternalError", INTERNAL, "An invariant of the system was broken.")
UnavailableError = error_class(
    "UnavailableError", UNAVAILABLE, "A service is currently unavailable."
)
DataLossError = error_class("DataLossError", DATA_LOSS, "Data was lost or damaged.")
UnauthenticatedError = error_class(
    "UnauthenticatedError", UNAUTHENTICATED, "The caller has no valid credentials."
)


CLASS_OF_CODE = {c.CODE: c for c in OpError.__subclasses__()}


@_shown_as_public
@export("errors.OperatorNotAllowedInGraphError")
class OperatorNotAllowedInGraphError(TypeError):
    """A Python operation needs the value of a symbolic tensor."""


@_shown_as_public
@export("errors.InaccessibleTensorError")
class InaccessibleTensorError(ValueError):
    """A tensor was used outside the function or branch that defines it."""

    tensor: Any = None


@export(v1=["errors.exception_type_from_error_code"])
def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Returns the error class of a code."""
    return CLASS_OF_CODE[error_code]


@export(v1=["errors.raise_exception_on_not_ok_status"])
class raise_exception_on_not_ok_status:
    """A context manager that does nothing: errors are raised as exceptions already."""

    def __enter__(self) -> "raise_exception_on_not_ok_status":
        return self

    def __exit__(self, type_arg: Any, value_arg: Any, traceback_arg: Any) -> None:
        """Does nothing: exceptions propagate."""


@export(v1=["errors.error_code_from_exception_type"])
def error_code_from_exception_type(cls: type[OpError]) -> int:
    """Returns the code of an error class."""
    return cls.CODE
