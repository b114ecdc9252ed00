"""Tracebacks in terms of the code that was written: `tensorflow.python.autograph.pyct.error_utils`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.bridge.python.autograph.pyct import origin_info


class FrameInfo(NamedTuple):
    """A line of a traceback; `is_converted` if the code was rewritten, `is_allowlisted` if it was called as it is."""

    filename: str
    lineno: int | None
    function_name: str | None
    code: str | None
    is_converted: bool
    is_allowlisted: bool


def _translated(
    frames: Sequence[Any], source_map: Mapping[Any, Any], converter_filename: str | None
) -> list[FrameInfo]:
    """The frames from the innermost out to the first that was rewritten, in terms of the original code."""
    translated: list[FrameInfo] = []
    for filename, line, function, code in reversed(frames):
        origin = source_map.get(origin_info.LineLocation(filename, line))
        if origin is not None:
            translated.append(
                FrameInfo(
                    origin.loc.filename,
                    origin.loc.lineno,
                    origin.function_name,
                    origin.source_code_line,
                    True,
                    False,
                )  # fmt: skip
            )
            break
        if filename == converter_filename:
            if translated:
                translated[-1] = translated[-1]._replace(is_allowlisted=True)
            continue
        translated.append(FrameInfo(filename, line, function, code, False, False))
    return translated


# Their only argument is the message.
KNOWN_STRING_CONSTRUCTOR_ERRORS = (
    AssertionError, AttributeError, NameError, NotImplementedError, RuntimeError, StopIteration,
    TypeError, UnboundLocalError, ValueError,
)  # fmt: skip


class ErrorMetadataBase:
    """Properties of an error in rewritten code.

    Args:
      callsite_tb: the frames of the traceback, outermost first.
      cause_metadata: that of the error of an inner function, or None.
      cause_message: the message of the error.
      source_map: {LineLocation of rewritten code: OriginInfo}.
      converter_filename: the file of the code that calls rewritten functions.
    """

    def __init__(
        self,
        callsite_tb: Sequence[Any],
        cause_metadata: ErrorMetadataBase | None,
        cause_message: str,
        source_map: Mapping[Any, Any],
        converter_filename: str | None,
    ) -> None:
        frames = _translated(callsite_tb, source_map, converter_filename)
        if cause_metadata is None:
            self.translated_stack, self.cause_message = frames, cause_message
        else:
            self.translated_stack = [*cause_metadata.translated_stack, *frames[-1:]]
            self.cause_message = cause_metadata.cause_message

    def get_message(self) -> str:
        """Returns the traceback and the message as text."""
        lines = []
        for frame in reversed(self.translated_stack):
            mark = "  *" if frame.is_converted else "  **" if frame.is_allowlisted else ""
            lines.append(
                f'    File "{frame.filename}", line {frame.lineno}, in {frame.function_name}{mark}'
            )
            if frame.code:
                lines.append(f"        {frame.code.strip()}")
        message = [f"    {line}" for line in self.cause_message.split("\n")]
        return "\n".join(["", *lines, "", *message, ""])

    def create_exception(self, source_error: BaseException) -> BaseException | None:
        """Returns an error of the same class with this message, or None if its class takes other arguments."""
        kind = type(source_error)
        takes_text = kind.__init__ is Exception.__init__
        if takes_text or kind in KNOWN_STRING_CONSTRUCTOR_ERRORS:
            return kind(self.get_message())
        return None

    def to_exception(self, source_error: BaseException) -> BaseException | None:
        """Returns such an error, which shows no other traceback."""
        error: Any = self.create_exception(source_error)
        if error is not None:
            error.__suppress_context__ = True
            error.ag_error_metadata = self
        return error
