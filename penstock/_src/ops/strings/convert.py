"""Strings from and to numbers, templates, and base64."""

import binascii
import string

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.shapes import SCALAR
from penstock._src.core.typesets import INDEX, NUMERIC
from penstock._src.core.values import memory_limit
from penstock._src.native.algorithms.strings import string_numbers
from penstock._src.native.algorithms.texts import bytewise
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.elements import each, strings, text
from penstock._src.ops.strings.numbers import needs_care, to_float, to_integer

_FEW = 64  # numbers
_WIDEST = 1 << 16  # of strings of floats that native code makes
_TRUTHS = strings([b"false", b"true"], (2,))
MOST_DIGITS = 1100  # after the point, of any float64


class AsString(Op):
    """Each number (or string) as a string."""

    signature = "input: T -> output: string[input]"
    T = NUMERIC | {dtypes.bool_, dtypes.string, dtypes.variant}
    precision: int = -1
    scientific: bool = False
    shortest: bool = False
    width: int = -1
    fill: str = ""
    differentiable = False
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        kind = input.dtype.kind
        real = kind in "fc" or self.T.is_floating
        if not real and kind != "O":
            for name, value in (
                ("precision", self.precision > -1),
                ("scientific and shortest format", self.scientific or self.shortest),
            ):
                if value:
                    raise self.invalid(f"{name} not supported for datatype {self.T.name}")
        if len(self.fill) > 1:
            raise self.invalid(f"Fill string must be one or fewer characters. Received {self.fill}")
        if self.scientific and self.shortest:
            raise self.invalid("Cannot select both scientific and shortest notation")
        memory_limit.require(
            (input.size, max(self.width, self.precision, 0)), np.dtype(np.uint8), self.op_type
        )
        if kind == "O":
            return each(lambda s: ("%" + self._flags() + "s").encode() % s, input)
        if self.T.is_floating and kind != "f":
            input, kind = input.astype(np.float32), "f"
        flat = input.reshape(-1)
        if kind == "f" and self.precision <= MOST_DIGITS:
            return self._floats(input)
        if kind == "c" and self.precision <= MOST_DIGITS:
            parts = [self._floats(part).flat for part in (input.real, input.imag)]
            pairs = zip(*parts, strict=True)
            return strings((b"(%b,%b)" % pair for pair in pairs), input.shape)
        if kind in "iu":
            # C writes no sign for unsigned numbers.
            flags = self._flags().lstrip("+ ") if kind == "u" else self._flags()
            is_plain = self.fill in ("", "0") and self.width <= bytewise.MOST_WIDTH
            if is_plain and runs_native_code():
                return bytewise.decimals(input, max(self.width, 0), self.fill == "0")
            return _formatted("%" + flags + "d", flat, input.shape)
        if kind == "b":
            self._flags()
            return _TRUTHS.take(input)
        return strings((self._shown(v, kind) for v in flat), input.shape)

    def _floats(self, numbers):
        """The strings of floats; those of infinite ones and NaN are few."""
        is_finite = np.isfinite(numbers)
        if is_finite.all():
            return self._finite(numbers)
        written = np.empty(numbers.shape, object)
        written[is_finite] = self._finite(numbers[is_finite])
        others = numbers[~is_finite]
        written[~is_finite] = strings((self._shown(v, "f") for v in others), others.shape)
        return written

    def _flags(self):
        if self.fill not in ("", " ", "+", "-", "0", "#"):
            raise self.invalid(f'Fill argument not supported: "{self.fill}"')
        width = str(self.width) if self.width > -1 else ""
        return self.fill + width

    def _shown(self, value, kind):
        form = self._form()
        if kind == "c":
            return f"({self._written(form, value.real)},{self._written(form, value.imag)})".encode()
        return self._written(form, float(value)).encode()

    def _finite(self, numbers):
        """The strings of finite floats."""
        flags, digits = self._flags(), self.precision if self.precision > -1 else 6
        # Native code does not ask whether there is memory for a string.
        if self.fill not in ("#", " ") and self.width <= _WIDEST and runs_native_code():
            # Of a few numbers one after the other takes less time than the calls of NumPy for all at once.
            if numbers.size > _FEW and not (self.shortest or self.scientific or flags):
                written = bytewise.fixed(numbers, digits)
                if written is not None:
                    return written
            padding = self.fill if self.fill in ("0", "-") else " "
            return bytewise.written(
                numbers, self._letter(), digits, self.fill == "+", max(self.width, 0), padding
            )
        return _formatted(self._form(), numbers.reshape(-1), numbers.shape)

    def _form(self):
        """The text of a float as Python writes it."""
        precision = f".{self.precision}" if self.precision > -1 else ""
        return "%" + self._flags() + precision + self._letter()

    def _letter(self):
        return "g" if self.shortest else "e" if self.scientific else "f"

    def _written(self, form, value):
        """A float by C's rules; digits beyond those that a float64 has are zeros, which are not computed."""
        zeros = self.precision - MOST_DIGITS
        if zeros <= 0 or self.shortest or not np.isfinite(value):
            return _c_style(form, value)
        flag = self.fill if self.fill in ("+", " ", "#") else ""
        letter = "e" if self.scientific else "f"
        digits, by, exponent = f"%{flag}.{MOST_DIGITS}{letter}".__mod__(value).partition("e")
        return _justified(f"{digits}{'0' * zeros}{by}{exponent}", self.width, self.fill)


_BATCH = 4096  # numbers formatted at a time


def _formatted(form, flat, shape):
    """Return the strings of numbers by a format that writes no zero bytes; many are formatted by one call."""
    texts = []
    for at in range(0, flat.size, _BATCH):
        numbers = flat[at : at + _BATCH].tolist()
        texts += ("\0".join([form] * len(numbers)) % tuple(numbers)).encode().split(b"\0")
    return strings(texts, shape)


def _justified(number, width, flag):
    """A number padded to a width by C's flags: after it, by zeros after its sign, or before it."""
    if flag == "-":
        return number.ljust(width)
    return number.zfill(width) if flag == "0" else number.rjust(width)


def _c_style(form, value):
    """Formats like C: infinities and NaN are not padded with zeros."""
    if not np.isfinite(value):
        form = form.replace("%0", "%", 1)
    if np.isnan(value) and np.signbit(value):
        return (form % -np.inf).replace("inf", "nan")
    return form % value


class StringToNumber(Op):
    """Each string parsed as a number."""

    signature = "string_tensor: string -> output: out_type[string_tensor]"
    out_type: INDEX | {
        dtypes.float32,
        dtypes.float64,
        dtypes.uint32,
        dtypes.uint64,
    } = dtypes.float32
    differentiable = False
    elements = Elements(is_elementwise=True)

    def eager(self, string_tensor):
        kind, flat = self.out_type.np, np.ascontiguousarray(string_tensor.reshape(-1))
        read = to_float if self.out_type.is_floating else to_integer
        values, rest = (
            self._read_natively(flat)
            if runs_native_code()
            else (np.empty(flat.size, kind), range(flat.size))
        )
        for i in rest:
            values[i] = self._value(read(flat[i], kind), flat[i])
        return values.reshape(string_tensor.shape)

    def _read_natively(self, flat):
        """The numbers of strings, and which strings are left to read."""
        kind, valid = np.dtype(self.out_type.np), np.empty(flat.size, np.int64)
        if kind.kind == "f":
            values = np.empty(flat.size, np.float64)
            string_numbers().decimals(flat, flat.size, values, valid)
            careful = (valid == 0) | (needs_care(values) if kind == np.float32 else False)
            with np.errstate(over="ignore"):
                return values.astype(kind), np.flatnonzero(careful).tolist()
        values = np.empty(flat.size, np.int64)
        wrong = string_numbers().integers(flat, flat.size, values, valid)
        if kind == np.int64:
            return values, np.flatnonzero(valid == 0).tolist() if wrong else []
        limits = np.iinfo(kind)
        inside = (values >= max(limits.min, -(1 << 63))) & (
            values <= min(limits.max, (1 << 63) - 1)
        )
        return values.astype(kind), np.flatnonzero((valid == 0) | ~inside).tolist()

    def _value(self, value, s):
        if value is None:
            raise self.invalid(f"StringToNumberOp could not correctly convert string: {text(s)}")
        return value


class StringFormat(Op):
    """A template with placeholders for summaries of tensors."""

    signature = "inputs: *T -> output: string[]"
    template: str = "%s"
    placeholder: str = "%s"
    summarize: int = 3

    def shape(self, inputs):
        self.pieces(inputs)
        return SCALAR

    def pieces(self, inputs):
        """Returns the parts of the template around its placeholders.

        Raises:
          RefusedValue: there is not one placeholder for each input.
        """
        pieces = self.template.split(self.placeholder)
        if len(pieces) != len(inputs) + 1:
            raise RefusedValue(
                f"num placeholders in template and num inputs must match: {len(pieces) - 1} vs. "
                f"{len(inputs)}"
            )
        return pieces

    def eager(self, inputs):
        pieces = self.pieces(inputs)
        shown = [summary(x, self.summarize) for x in inputs]
        whole = pieces[0] + "".join(s + p for s, p in zip(shown, pieces[1:], strict=True))
        return strings([as_bytes(whole)], ())


def summary(x, summarize):
    """An array as TensorFlow prints it: the first and last `summarize` elements along each axis."""
    array = np.asarray(x)
    return _summary(array, summarize if array.size else 0, 0)  # rows without elements are left out


def elements(x, summarize):
    """The first elements of an array in a line, as messages show them: `1 2 3...`, and `[1 2][3...]...` of a matrix."""
    array = np.asarray(x)
    flat = array.reshape(-1)
    count = flat.size if summarize < 0 else min(summarize, flat.size)
    shown = [_escaped(v) if isinstance(v, bytes) else _element(v) for v in flat[:count]]
    if not array.ndim:
        return "".join(shown) if shown else "..."
    return _nested(array.shape, shown) + ("..." if count < flat.size else "")


_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "'": "\\'", "\\": "\\\\"}


def _escaped(value, errors="replace"):
    """A string with C's escapes, except for characters beyond ASCII; `errors` handles bytes that are not UTF-8."""
    return "".join(
        _ESCAPES.get(c) or (c if c.isprintable() or c > "\x7f" else f"\\{ord(c):03o}")
        for c in value.decode("utf-8", errors)
    )


def _nested(shape, shown):
    """The elements of an array of a shape, as far as there are any left, row by row in brackets."""
    if len(shape) == 1:
        return " ".join(shown)
    size, parts = int(np.prod(shape[1:])), []
    for at in range(0, len(shown), size or 1):
        row = shown[at : at + size]
        is_cut = len(shape) == 2 and len(row) < size
        parts.append("[" + _nested(shape[1:], row) + "..." * is_cut + "]")
    return "".join(parts)


def _element(value):
    if isinstance(value, bytes):
        return f'"{_escaped(value, "surrogateescape")}"'
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (np.complexfloating, complex)):
        return f"({_element(value.real)},{_element(value.imag)})"
    if isinstance(value, (np.floating, float)) or np.asarray(value).dtype.kind == "V":
        return _shortest(value)
    return str(value)


def _shortest(value):
    number = np.float64(value)
    if np.isnan(number):
        return "nan"
    if np.isinf(number):
        return "inf" if number > 0 else "-inf"
    short, exact, kind = (
        (15, 17, np.float64) if isinstance(value, np.float64) else (6, 9, np.float32)
    )
    shown = f"{number:.{short}g}"
    return shown if kind(float(shown)) == kind(number) else f"{number:.{exact}g}"


def _summary(x, summarize, depth):
    if not isinstance(x, np.ndarray):
        return _element(x)
    if x.ndim == 0:
        if summarize == 0:
            return "..."
        value = x.item() if x.dtype == object else x[()]
        return _element(value)
    count = x.shape[0]
    show_all = summarize < 0 or count <= 2 * summarize
    head = range(count) if show_all else range(summarize)
    tail = range(0) if show_all else range(count - summarize, count)
    rows = [_summary(x[i], summarize, depth + 1) for i in head]
    last = [_summary(x[i], summarize, depth + 1) for i in tail]
    by = " " if x.ndim == 1 else "\n" * (x.ndim - 1) + " " * (depth + 1)
    if not show_all:
        # The ellipsis has its separator even if nothing precedes it.
        rows.append("..." if rows else by + "...")
    return "[" + by.join([*rows, *last]) + "]"


_WEB_SAFE, _FROM_WEB_SAFE = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_DIGITS = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_").encode()


class EncodeBase64(Op):
    """Strings in web-safe base64."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)
    pad: bool = False
    differentiable = False

    def eager(self, input):
        if runs_native_code():
            return bytewise.encoded(input, _DIGITS, self.pad)
        dropped = b"" if self.pad else b"="

        def encode(s):
            return binascii.b2a_base64(s, newline=False).translate(_WEB_SAFE, dropped)

        return each(encode, input)


class DecodeBase64(Op):
    """Strings out of web-safe base64."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)
    differentiable = False

    def eager(self, input):
        if runs_native_code():
            decoded = bytewise.decoded(input, _DIGITS)
            if decoded is not None:
                return decoded

        def decode(s):
            if len(s) % 4 == 1:
                raise self.invalid("Base64 string length cannot be 1 modulo 4.")
            bare = s
            for _ in range(2 if len(s) % 4 == 0 else 0):
                bare = bare.removesuffix(b"=")
            if bare.translate(None, _DIGITS) or len(bare) % 4 == 1:
                raise self.invalid("Invalid character found in base64.")
            return binascii.a2b_base64(bare.translate(_FROM_WEB_SAFE) + b"=" * (-len(bare) % 4))

        return each(decode, input)
