"""`tensorflow.python.framework.traceable_stack`: objects with the lines that put them on a stack."""

import inspect
from collections.abc import Iterator
from typing import Any


class TraceableObject:
    """An object and the line where it was put on a stack."""

    SUCCESS, HEURISTIC_USED, FAILURE = 0, 1, 2

    def __init__(self, obj: Any, filename: str | None = None, lineno: int | None = None) -> None:
        self.obj, self.filename, self.lineno = obj, filename, lineno

    def set_filename_and_line_from_caller(self, offset: int = 0) -> int:
        """Takes the line of the caller, or of the one `offset` calls above; says whether the stack was that deep."""
        frame: Any = inspect.currentframe()
        status = self.SUCCESS
        for _ in range(offset + 1):
            if frame.f_back is None:
                status = self.HEURISTIC_USED
                break
            frame = frame.f_back
        self.filename, self.lineno = frame.f_code.co_filename, frame.f_lineno
        return status

    def copy_metadata(self) -> "TraceableObject":
        """Returns the line without the object."""
        return TraceableObject(None, self.filename, self.lineno)


class TraceableStack:
    """A stack of objects with their lines."""

    def __init__(self, existing_stack: list[TraceableObject] | None = None) -> None:
        self._stack = list(existing_stack or ())

    def push_obj(self, obj: Any, offset: int = 0) -> int:
        """Puts an object on the stack with the line of the caller."""
        entry = TraceableObject(obj)
        self._stack.append(entry)
        return entry.set_filename_and_line_from_caller(offset + 1)

    def pop_obj(self) -> Any:
        """Takes the topmost object off the stack."""
        return self._stack.pop().obj

    def peek_top_obj(self) -> Any:
        """Returns the topmost object."""
        return self._stack[-1].obj

    def peek_objs(self) -> Iterator[Any]:
        """The objects, topmost first."""
        return (entry.obj for entry in reversed(self._stack))

    def peek_traceable_objs(self) -> Iterator[TraceableObject]:
        """The objects with their lines, topmost first."""
        return reversed(self._stack)

    def __len__(self) -> int:
        return len(self._stack)

    def copy(self) -> "TraceableStack":
        """Returns another stack of the same objects."""
        return TraceableStack(self._stack)
