"""Reads requests' JSON: long arrays of numbers in native code, all else by orjson, and long texts apart from the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock._src.native.readers.number_arrays import ENTRY, MARK, number_arrays
from penstock._src.serving.rest.parsing.values import parse
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits
from penstock._src.util.process import collector

Result = TypeVar("Result")

_SHORT = 4096  # bytes below which orjson and NumPy are as fast as the native reader
_LONG = 65536  # size in bytes from which parsing leaves the event loop
_LEAST = 32  # numbers of an array that is read natively
_MOST = 4096  # such arrays in a text
_MARKER = secrets.token_hex(8).encode()
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class Texts:
    """Reads the texts of requests; one long text at a time.

    Args:
      limits: of values in a text.
      admission: of all requests' memory.
    """

    def __init__(self, limits: Limits, admission: Admission) -> None:
        self._most, self._admission = limits.max_values, admission
        self._thread = ThreadPoolExecutor(1, "long-texts")

    def prepare(self) -> None:
        """Loads native code before the first request; packs of models that are loaded already may have it."""
        number_arrays()

    async def read(self, text: bytes, use: Callable[[Any], Result], arrays: bool = False) -> Result:
        """Return a function's result for the parsed text. Nothing else of the text is kept.

        Args:
          text: JSON; NaN, Infinity and -Infinity are numbers, as in TensorFlow Serving.
          use: called with the value, in a thread if the text is long.
          arrays: whether long arrays of numbers become NumPy arrays of int64 or float64 instead of lists.

        Raises:
          InvalidArgumentError: it is not JSON.
          ResourceExhaustedError: it has too many values, or takes too much memory.
          UnavailableError: other requests hold too much.
        """
        if len(text) < _LONG:
            return use(_Scanned(text).value() if arrays and len(text) >= _SHORT else parse(text))
        return await asyncio.wrap_future(self._thread.submit(self._read_long, text, use, arrays))

    def _read_long(self, text: bytes, use: Callable[[Any], Result], arrays: bool) -> Result:
        scanned = _Scanned(text, _MOST if arrays else 0)
        if scanned.values > self._most:
            raise ResourceExhaustedError(
                f"The JSON text has {scanned.values:,} values besides long arrays of numbers. It may have at most {self._most:,}."
            )
        self._admission.check(scanned.memory)
        with collector.paused():  # it would look at a million lists again and again
            return use(scanned.value())

    def close(self) -> None:
        """Reads no more long texts."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Scanned:
    """A text with its long arrays of numbers read and replaced by marks."""

    def __init__(self, text: bytes, most: int = _MOST) -> None:
        size = len(text)
        most = min(most, size // (2 * _LEAST))
        rest, numbers = np.empty(size + 2, np.uint8), np.empty(size // 2 + 1, np.int64)
        entries, counts = np.empty((most + 1, ENTRY), np.int64), np.empty(4, np.int64)
        reader = number_arrays()
        scan = reader.scan_short if size < _LONG else reader.scan
        count = scan(text, size, _MARKER, _LEAST, rest, numbers, entries, most, counts)
        length, self._lists, self._objects, commas = counts.tolist()
        self._text, self._rest = text, rest[:length].tobytes() if count else text
        self._arrays = [_array(numbers, entry) for entry in entries[:count].tolist()]
        self.values = self._lists + self._objects + commas

    @property
    def memory(self) -> int:
        """An upper estimate of the bytes of the values: small objects and lists take dozens of times their texts."""
        numbers = sum(array.nbytes for array in self._arrays)
        small = 40 * self.values + 48 * self._lists + 208 * self._objects  # CPython 3.11
        return numbers + len(self._rest) + small

    def value(self) -> Any:
        """The value.

        Raises:
          InvalidArgumentError: it is not JSON.
          ResourceExhaustedError: it has NaN among too many values.
        """
        if not self._arrays:
            return parse(self._text, self.values)
        try:
            parsed = parse(self._rest, self.values)
        except InvalidArgumentError:
            if len(self._text) < _LONG:
                parse(self._text)  # raises the error with the position in the text
            raise
        return _filled(parsed, self._arrays)


def _array(buffer: np.ndarray, entry: Sequence[int]) -> np.ndarray:
    begin, count, are_doubles, rank, *extents = entry
    numbers = buffer[begin : begin + count]
    return (numbers.view(np.float64) if are_doubles else numbers).reshape(extents[:rank])


def _mark(number: int) -> str:
    """Return the mark that replaces an array."""
    return _MARKER.decode() + f"{number:08x}".translate(_LETTERS)


def _filled(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """A value with arrays in place of their marks; marks are random, and a client who guessed one would only duplicate its own arrays."""
    marked = {_mark(number): array for number, array in enumerate(arrays)}
    whole = [value]
    left: list[Any] = [whole]
    while left:
        holder = left.pop()
        for key, item in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(item, list | dict):
                left.append(item)
            elif isinstance(item, str) and len(item) == MARK and item in marked:
                holder[key] = marked[item]
    return whole[0]
