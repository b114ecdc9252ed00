"""Records of files of comma-separated values, read in Python one by one."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from penstock._src.core.errors import InvalidArgumentError

_UNCLOSED = "Reached end of file without closing quoted field in record"
_NOT_ESCAPED = "Quote inside a string has to be escaped by another quote"
_NOT_ENCLOSED = "Unquoted fields cannot have quotes inside"
_BREAKS = b"\r\n"


class Record(NamedTuple):
    """The fields of a record, errors in place of malformed ones, and the position of the next record."""

    fields: list[bytes | InvalidArgumentError]
    end: int


class _Field(NamedTuple):
    value: bytes | InvalidArgumentError
    end: int


def read_record(data: bytes, at: int, delimiter: bytes, quotes: bool, last: bool) -> Record | None:
    """Reads the record at a position.

    Args:
      data: of a file.
      at: where the record begins.
      delimiter: what stands between fields.
      quotes: whether quotes enclose fields.
      last: whether nothing follows the data.

    Returns:
      The record, or None if it goes on after the data.
    """
    fields = []
    while True:
        if quotes and data.startswith(b'"', at):
            field = _enclosed(data, at + 1, delimiter, last)
        else:
            field = _plain(data, at, delimiter, quotes)
        if field is None:
            return None
        fields.append(field.value)
        at = field.end
        if not data.startswith(delimiter, at):
            break
        at += 1
    if at == len(data):
        return Record(fields, at) if last else None
    if data.startswith(b"\r", at) and at + 1 == len(data) and not last:
        return None  # a line feed may follow
    return Record(fields, at + (2 if data.startswith(b"\r\n", at) else 1))


def _enclosed(data: bytes, begin: int, delimiter: bytes, last: bool) -> _Field | None:
    """A field in quotes; one that is followed by other text does not end it."""
    at, is_wrong = begin, False
    while True:
        at = data.find(b'"', at)
        if at < 0:
            return _Field(InvalidArgumentError(_UNCLOSED), len(data)) if last else None
        following = data[at + 1 : at + 2]
        if not following and not last:
            return None
        if not following or following == delimiter or following in _BREAKS:
            text = data[begin:at].replace(b'""', b'"')
            return _Field(InvalidArgumentError(_NOT_ESCAPED) if is_wrong else text, at + 1)
        is_doubled = following == b'"'
        is_wrong = is_wrong or not is_doubled
        at += 2 if is_doubled else 1


def _plain(data: bytes, begin: int, delimiter: bytes, quotes: bool) -> _Field:
    end = _ends(delimiter).search(data, begin)
    text = data[begin : end.start() if end else len(data)]
    is_wrong = quotes and b'"' in text
    return _Field(InvalidArgumentError(_NOT_ENCLOSED) if is_wrong else text, begin + len(text))


def _ends(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[\r\n" + re.escape(delimiter) + b"]")


def selected(
    record: Record, count: int, chosen: list[int], dropped: set[int]
) -> Iterator[tuple[int, bytes]]:
    """The numbers and texts of the requested columns, in order.

    Raises:
      InvalidArgumentError: where a field is malformed, and if there are more or fewer than `count`.
    """
    column = 0
    for at, field in enumerate(record.fields):
        if isinstance(field, InvalidArgumentError):
            raise field
        if at in dropped or (chosen and at not in chosen):
            continue
        if column == count:
            raise InvalidArgumentError(f"Expect {count} fields but have more in record")
        yield column, field
        column += 1
    if column < count:
        raise InvalidArgumentError(f"Expect {count} fields but have {column} in record")
