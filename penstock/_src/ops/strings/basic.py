"""Strings: join, case, length, strip, substrings, hashes."""

import math
import operator
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.errors import OutOfRangeError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.core.values.groups import NotGrouped, Stacked, elementwise, is_group
from penstock._src.native.algorithms.strings import string_numbers
from penstock._src.native.algorithms.texts import bytewise
from penstock._src.native.algorithms.texts.joining import joined_neighbours, joined_ranges
from penstock._src.native.algorithms.texts.parts import parts as parts_of
from penstock._src.native.algorithms.texts.words import sizes_of
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.infer import broadcast
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import each, strings
from penstock._src.ops.strings.fingerprint import (
    fingerprint_buckets,
    fingerprints64,
    hash64,
    siphash,
)

_MANY = 64  # strings, from which native code pays


class StringJoin(Op):
    """Strings joined elementwise; scalars are broadcast."""

    signature = "inputs: N * string -> output: string"
    separator: str = ""
    differentiable = False

    def shape(self, inputs):
        result = TensorShape([])
        for shape in inputs:
            if shape.rank is None:
                return None
            if shape.rank:
                result = shape if result.rank == 0 else result.merge_with(shape)
        return result

    def eager(self, inputs):
        separator = as_bytes(self.separator)
        shapes = {x.shape for x in inputs if x.ndim}
        if len(shapes) > 1:
            raise self.invalid(
                "Input shapes do not match: "
                + " vs. ".join(show(x.shape) for x in inputs if x.ndim)
            )
        if not inputs:
            return strings([b""], ())
        shape = shapes.pop() if shapes else ()
        is_alike = all([x.shape == shape for x in inputs])
        flat = [x.reshape(-1) for x in (inputs if is_alike else np.broadcast_arrays(*inputs))]
        if flat[0].size >= _MANY and runs_native_code():
            beside = np.stack(flat, 1).reshape(-1)
            begins = np.arange(0, beside.size, len(flat))
            return joined_neighbours(beside, begins, len(flat), separator).reshape(shape)
        return strings(map(separator.join, zip(*[x.tolist() for x in flat], strict=True)), shape)

    def eager_each(self, inputs):
        if len({x.array.ndim for x in inputs if type(x) is Stacked}) > 1:
            raise NotGrouped
        return elementwise(lambda *arrays: self.eager(arrays), inputs)


_ALL_BYTES = bytes(range(256))
_BETWEEN = b"\0"  # strings that are changed together


class _Case(Op):
    """Letters in another case: ASCII ones, or all with encoding utf-8."""

    encoding: str = ""
    elements = Elements(is_elementwise=True)

    def shape(self, input):
        return input

    def eager(self, input):
        if self.encoding not in ("", "utf-8"):
            raise self.invalid(
                f"only utf-8 or '' (no encoding) is supported, received {self.encoding}"
            )
        if not runs_native_code():
            return each(self._changed_characters if self.encoding else self.change, input)
        if not self.encoding:
            return bytewise.mapped(input, self.change(_ALL_BYTES))
        whole = _BETWEEN.join(input.reshape(-1).tolist())
        if input.size and whole.count(_BETWEEN) != input.size - 1:
            return each(self._changed_characters, input)
        if whole.isascii():
            return bytewise.mapped(input, self.change(_ALL_BYTES))
        # Characters depend on neighbouring letters at most, and no character spans a zero.
        return strings(self._changed(whole).split(_BETWEEN), input.shape)

    def _changed_characters(self, s):
        # TensorFlow reads characters up to the first zero.
        return self._changed(s.partition(b"\0")[0])

    def _changed(self, s):
        return self.change(s.decode(errors="replace")).encode()


class StringLower(_Case):
    """Strings in lower case."""

    signature = "input: string -> output: string"
    change = staticmethod(operator.methodcaller("lower"))


class StringUpper(_Case):
    """Strings in upper case."""

    signature = "input: string -> output: string"
    change = staticmethod(operator.methodcaller("upper"))


class StringLength(Op):
    """The length of each string, in bytes or characters."""

    signature = "input: string -> output: int32[input]"
    unit: Literal["BYTE", "UTF8_CHAR"] = "BYTE"
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        flat = input.reshape(-1)
        if self.unit == "BYTE" and runs_native_code():
            lengths, _ = sizes_of(np.ascontiguousarray(flat))
        elif self.unit == "UTF8_CHAR" and runs_native_code():
            lengths = np.empty(flat.size, np.int64)
            string_numbers().characters(np.ascontiguousarray(flat), flat.size, lengths)
        elif self.unit == "UTF8_CHAR":
            lengths = [sum((b & 0xC0) != 0x80 for b in s) for s in flat]
        else:
            lengths = [len(s) for s in flat]
        return np.asarray(lengths, np.int32).reshape(input.shape)


class StringStrip(Op):
    """Strings without whitespace at either end."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        if runs_native_code():
            return bytewise.stripped(input)
        return each(lambda s: s.strip(b" \t\n\r\x0b\x0c"), input)


class Substr(Op):
    """The part of each string from pos (from the end, if negative) with at most len units."""

    signature = "input: string, pos: T, len: T -> output: string"
    T = INDEX
    unit: Literal["BYTE", "UTF8_CHAR"] = "BYTE"

    def shape(self, input, pos, len):
        return broadcast(input, pos.merge_with(len))

    def eager(self, input, pos, len):
        if pos.shape != len.shape:
            raise self.invalid(
                f"pos and len should have the same shape, got: {show(pos.shape)} vs. {show(len.shape)}"
            )
        if pos.ndim and pos.shape != input.shape and max(pos.ndim, input.ndim) > 2:
            raise UnimplementedError(
                f"Substr broadcast not implemented for {max(pos.ndim, input.ndim)} dimensions"
            )
        if not pos.ndim and runs_native_code():
            parts = parts_of(input.reshape(-1), pos, len, self.unit == "UTF8_CHAR")
            if parts is not None:
                return parts.reshape(input.shape)
        try:
            words, begins, counts = np.broadcast_arrays(input, pos, len)
        except ValueError:
            raise self.invalid(
                f"Incompatible shapes: {show(input.shape)} vs. {show(pos.shape)}"
            ) from None
        flat = words.reshape(-1)
        if pos.ndim and runs_native_code():
            parts = parts_of(flat, begins, counts, self.unit == "UTF8_CHAR")
            if parts is not None:
                return parts.reshape(words.shape)
        triples = zip(
            flat.tolist(), begins.reshape(-1).tolist(), counts.reshape(-1).tolist(), strict=True
        )
        cut = self._characters if self.unit == "UTF8_CHAR" else self._part
        return strings((cut(s, b, n, at) for at, (s, b, n) in enumerate(triples)), words.shape)

    def eager_each(self, input, pos, len):
        if is_group(pos) or is_group(len):
            raise NotGrouped
        return elementwise(self.eager, [input, pos, len])

    def _part(self, s, begin, count, at):
        size = len(s)
        backwards = self.unit == "UTF8_CHAR" and begin < 0 and count < 0
        if begin > size or begin < -size or backwards:
            raise self.invalid(f"pos {begin} out of range for string at index {at}")
        first = begin + size if begin < 0 else begin
        # A negative length means "to the end" for bytes, but zero for characters.
        if count < 0:
            return s[first:] if self.unit == "BYTE" else s[:0]
        return s[first : first + count]

    def _characters(self, s, begin, count, at):
        if s.isascii():  # a character is a byte
            return self._part(s, begin, count, at)
        # A character goes up to the next byte that continues none, also where bytes are not UTF-8.
        starts = [i for i, byte in enumerate(s) if not i or byte & 0xC0 != 0x80]
        characters = [s[i:j] for i, j in zip(starts, [*starts[1:], len(s)], strict=True)]
        return b"".join(self._part(characters, begin, count, at))


class ReduceJoin(Op):
    """Strings joined along axes."""

    signature = "inputs: string, reduction_indices: int32 -> output: string"
    ranks = {"reduction_indices": (0, 1)}
    keep_dims: bool = False
    separator: str = ""
    differentiable = False

    def shape(self, inputs, reduction_indices):
        axes = reduction_indices.value
        if inputs.rank is None or axes is None:
            return None
        for axis in np.ravel(axes):
            if not -inputs.rank <= axis < inputs.rank:
                raise ValueError(
                    f"Invalid reduction dimension {axis} for input with {inputs.rank} dimensions."
                )
        gone = {int(a) % inputs.rank for a in np.ravel(axes)}
        dims = inputs.as_list()
        if self.keep_dims:
            return [1 if a in gone else d for a, d in enumerate(dims)]
        return [d for a, d in enumerate(dims) if a not in gone]

    def eager(self, inputs, reduction_indices):
        separator = as_bytes(self.separator)
        axes = [self._axis(int(a), inputs.ndim) for a in np.ravel(reduction_indices)]
        if len(set(axes)) != len(axes):
            raise self.invalid(f"Duplicate reduction dimension {axes}")
        if not axes:
            return inputs
        kept = [a for a in range(inputs.ndim) if a not in axes]
        moved = inputs.transpose(kept + axes[::-1])  # the first listed axis varies fastest
        shape = [inputs.shape[a] for a in kept]
        rows = moved.reshape(math.prod(shape), math.prod(inputs.shape[a] for a in axes))
        joined = _joined_rows(rows, separator).reshape(shape)
        if self.keep_dims:
            shape = [1 if a in axes else n for a, n in enumerate(inputs.shape)]
            joined = joined.reshape(shape)
        return joined

    def _axis(self, axis, rank):
        if not -rank <= axis < rank:
            raise OutOfRangeError(
                f"Invalid reduction dimension {axis} for input with {rank} dimension(s)"
            )
        return axis % rank


def _joined_rows(rows, separator):
    """Return the strings of each row of a matrix, joined."""
    count, width = rows.shape
    if not width or not runs_native_code():
        return strings((separator.join(row) for row in rows), (count,))
    return joined_neighbours(rows.reshape(-1), np.arange(count) * width, width, separator)


class UnsortedSegmentJoin(Op):
    """Strings joined by segment."""

    signature = """inputs: string, segment_ids: Tindices, num_segments: Tnumsegments
        -> output: string"""
    ranks = {"num_segments": (0,)}
    Tindices = INDEX
    separator: str = ""
    Tnumsegments: INDEX = dtypes.int32

    def shape(self, inputs, segment_ids, num_segments):
        if inputs.rank is None or segment_ids.rank is None:
            return None
        rest = infer.prefix(inputs, segment_ids)
        return TensorShape([infer.counted(num_segments, 2)]).concatenate(rest)

    def eager(self, inputs, segment_ids, num_segments):
        count, separator = int(num_segments), as_bytes(self.separator)
        for axis, (wanted, have) in enumerate(zip(segment_ids.shape, inputs.shape)):
            if wanted != have:
                raise self.invalid(
                    f"Segment dimension is {wanted} while input dimension is {have} in rank {axis}"
                )
        rest = inputs.shape[segment_ids.ndim :]
        rows = inputs.reshape(segment_ids.size, int(np.prod(rest)))
        ids = segment_ids.reshape(-1)
        if count < 0:
            raise self.invalid(f"Number of segments must be non-negative but got {count}")
        if ids.size and not 0 <= ids.min() <= ids.max() < count:
            raise self.invalid(
                "segment_ids are not allowed to exceed num_segments or to have negative values."
            )
        order = np.argsort(ids, kind="stable")
        places = np.searchsorted(ids[order], np.arange(count + 1))
        columns = [
            _joined_segments(column[order], places[:-1], places[1:], separator) for column in rows.T
        ]
        joined = np.stack(columns, 1) if columns else np.empty((count, 0), object)
        return joined.reshape(count, *rest)


def _joined_segments(column, begins, ends, separator):
    """Return the strings of segments joined as TensorFlow does, which puts no separator after nothing but empty strings."""
    if separator:
        filled = np.flatnonzero([len(piece) > 0 for piece in column])
        first = np.append(filled, len(column))[np.searchsorted(filled, begins)]
        begins = np.minimum(first, ends)
    return _joined_ranges(column, begins, ends, separator)


def _joined_ranges(column, begins, ends, separator):
    """Return the strings of a vector from each begin to its end, joined."""
    if runs_native_code():
        return joined_ranges(column, begins, ends, separator)
    pieces, ranges = column.tolist(), zip(begins.tolist(), ends.tolist(), strict=True)
    return strings((separator.join(pieces[b:e]) for b, e in ranges), (len(begins),))


class _Buckets(Op):
    """The hash of each string modulo a number of buckets."""

    signature = "input: string -> output: int64[input]"
    minimum = {"num_buckets": 1}

    differentiable = False
    elements = Elements(is_elementwise=True)

    def bucket(self, function, x):
        self.check()
        buckets = [function(s) % self.num_buckets for s in x.reshape(-1)]
        return np.array(buckets, np.int64).reshape(x.shape)

    def check(self):
        if self.num_buckets < 1:
            raise self.invalid(
                f"Value for attr 'num_buckets' of {self.num_buckets} must be at least minimum 1"
            )


class StringToHashBucketFast(_Buckets):
    """FarmHash's fingerprint modulo a number of buckets."""

    minimum = {"num_buckets": 1}

    num_buckets: int

    def eager(self, input):
        self.check()
        return fingerprint_buckets(input.reshape(-1), self.num_buckets).reshape(input.shape)


class StringToHashBucketStrong(_Buckets):
    """A keyed hash modulo a number of buckets."""

    minimum = {"num_buckets": 1}

    num_buckets: int
    key: list[int]

    def eager(self, input):
        if len(self.key) != 2:
            raise self.invalid("Key must have 2 elements")
        if not runs_native_code():
            return self.bucket(lambda s: siphash(self.key, s), input)
        self.check()
        flat, key = np.ascontiguousarray(input.reshape(-1)), np.array(self.key, np.int64)
        buckets = np.empty(flat.size, np.int64)
        string_numbers().keyed_buckets(flat, flat.size, key, self.num_buckets, buckets)
        return buckets.reshape(input.shape)


class StringToHashBucket(_Buckets):
    """A hash modulo a number of buckets."""

    signature = "string_tensor: string -> output: int64[string_tensor]"
    minimum = {"num_buckets": 1}
    num_buckets: int

    def eager(self, string_tensor):
        if not runs_native_code():
            return self.bucket(hash64, string_tensor)
        self.check()
        flat = np.ascontiguousarray(string_tensor.reshape(-1))
        buckets = np.empty(flat.size, np.int64)
        string_numbers().murmur_buckets(flat, flat.size, self.num_buckets, buckets)
        return buckets.reshape(string_tensor.shape)


class Fingerprint(Op):
    """FarmHash's fingerprint of each row, as eight bytes."""

    signature = "data: T, method: string -> fingerprint: uint8"
    ranks = {"method": (0,)}
    T = ANY

    def shape(self, data, method):
        return [data.with_rank_at_least(1)[0], 8]

    def eager(self, data, method):
        if bytes(method.reshape(-1)[0]) != b"farmhash64":
            raise self.invalid(f"Unsupported fingerprint method: {method}")
        if data.ndim == 0:
            raise self.invalid("`data` should be at least one-dimensional")
        rows = data.reshape(data.shape[0], math.prod(data.shape[1:]))
        if data.dtype == object:
            hashes = np.asarray(fingerprints64(rows.reshape(-1)), np.uint64).reshape(rows.shape)
            found = hashes if rows.shape[1] == 1 else fingerprints64(_row_bytes(hashes))
        else:
            found = fingerprints64(_row_bytes(rows))
        return np.array(found, np.uint64).reshape(-1).view(np.uint8).reshape(-1, 8)


def _row_bytes(rows):
    """The bytes of each row of a matrix."""
    everything, size = rows.tobytes(), rows.shape[1] * rows.itemsize
    return strings(
        (everything[at * size : (at + 1) * size] for at in range(len(rows))), (len(rows),)
    )
