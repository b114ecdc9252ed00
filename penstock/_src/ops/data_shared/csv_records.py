"""Records of files of comma-separated values."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data.pipeline import Failure

_BREAK = re.compile(rb"(\r\n|\r|\n)")


def _lines(file: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The lines and their ends, which may be any of those in use."""
    for line in file:
        if b"\r" not in line:
            yield (line[:-1], b"\n") if line.endswith(b"\n") else (line, b"")
            continue
        parts = _BREAK.split(line)
        yield from zip(parts[::2], parts[1::2])
        if parts[-1]:
            yield parts[-1], b""


def read_records(
    file: Iterable[bytes], delimiter: bytes, use_quotes: bool
) -> Iterator[list[bytes] | Failure]:
    """The fields of each record; a failure, after which the next line begins a record, if its quotes are wrong."""
    lines = _lines(file)
    for line, end in lines:
        if not use_quotes or b'"' not in line:
            yield line.split(delimiter)
            continue
        fields: Any = _quoted(line, delimiter)
        while fields is None:  # a quoted field continues on the next line
            more, next_end = next(lines, (None, b""))
            if more is None:
                yield _failed("Reached end of file without closing quoted field in record")
                return
            line, end = line + end + more, next_end
            fields = _quoted(line, delimiter)
        yield fields


def _quoted(line: bytes, delimiter: bytes) -> list[bytes] | Failure | None:
    """The fields of a line with quotes, or None if a quote is not closed."""
    fields, at = [], 0
    while True:
        if line.startswith(b'"', at):
            close = line.find(b'"', at + 1)
            while close >= 0 and line.startswith(b'"', close + 1):
                close = line.find(b'"', close + 2)
            if close < 0:
                return None
            fields.append(line[at + 1 : close].replace(b'""', b'"'))
            at = close + 1
            if at < len(line) and not line.startswith(delimiter, at):
                return _failed("Quote inside a string has to be escaped by another quote")
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            fields.append(line[at:end])
            if b'"' in fields[-1]:
                return _failed("Unquoted fields cannot have quotes inside")
            at = end
        if at == len(line):
            return fields
        at += len(delimiter)


def _failed(message: str) -> Failure:
    return Failure(InvalidArgumentError(message))


def selected(fields: list[bytes], count: int, select: list[int], exclude: set[int]) -> list[bytes]:
    """The `count` fields of a record that are asked for.

    Raises:
      InvalidArgumentError: there are more or fewer.
    """
    if select:
        found = [fields[at] for at in select if at < len(fields)]
    else:
        found = [field for at, field in enumerate(fields) if at not in exclude]
    if len(found) != count:
        shown = "more" if len(found) > count else len(found)
        raise InvalidArgumentError(f"Expect {count} fields but have {shown} in record")
    return found
