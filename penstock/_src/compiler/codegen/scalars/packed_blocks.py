"""Blocks of packed weights (ir/meaning/packed.py) in registers: vectors of their elements, with the very bits that the format means."""

from collections.abc import Iterator, Sequence

from penstock._src.ir.meaning.packed import PackedFormat, Run
from penstock._src.native import Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F16, F32, I1, I8, I16, I32, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

TABLE = 16  # numbers of four bits
SIX_BITS = 12  # bytes of eight scales and eight minima, or of sixteen scales
SIGNED_ZERO = 32  # that is subtracted from six bits with a sign
AT_ONCE = 4  # blocks whose scales are converted together
PAIR = 2  # a scale and a minimum, or what they are multiplied by


@dataclass(frozen=True)
class Scales:
    """The factor and the addend of a block's elements: in all lanes, or a lane for each factor."""

    scale: Val
    minimum: Val | None
    has_factors: bool

    def of(self, f: Fn, run: Run, lanes: int) -> tuple[Val, Val | None]:
        """The scale and the minimum of a run, in all lanes."""
        if not self.has_factors:
            return self.scale, self.minimum
        at = [run.factor] * lanes
        minimum = None if self.minimum is None else f.shuffle(self.minimum, None, at)
        return f.shuffle(self.scale, None, at), minimum


def scales(f: Fn, block: Val, form: PackedFormat, lanes: int) -> Scales:
    """The scales of the block at an address; minima are negated where the format subtracts them."""
    count = lanes
    if form.factors:
        count = form.block // form.group
    if form.scale_dtype == "float32":
        scale = f.splat(f.bits(_word(f, block, form.scale), F32), count)
    else:
        scale = _half(f, block, form.scale, count)
    minimum = None if form.minimum is None else _half(f, block, form.minimum, count)
    if not form.factors:
        return Scales(scale, minimum, False)
    if form.factors == "int8":
        factors = f.convert(f.load(f.at(block, form.factor), 0, vec(I8, count)), F32)
        return Scales(factors * scale, None, True)
    if form.factors == "signed six bits":
        return Scales(_signed_six_bits(f, f.at(block, form.factor)) * scale, None, True)
    assert minimum is not None
    unpack = _four_bits if form.factors == "four bits" else _six_bits
    factors, minima = unpack(f, f.at(block, form.factor))
    return Scales(factors * scale, minima * -minimum, True)


def words_of_scales(f: Fn, form: PackedFormat, addresses: Sequence[Val]) -> Val:
    """The scales of up to `AT_ONCE` blocks, each with the two bytes that follow a float16; zeros are those of no block."""
    words = f.zero(vec(I32, AT_ONCE))
    for i, address in enumerate(addresses):
        word = f.load(f.at(address, form.scale), 0, vec(I8, SIZE[I32]))
        words = f.insert(words, f.bits(word, I32), i)
    return words


def pairs_of_scales(f: Fn, form: PackedFormat, words: Val) -> Val:
    """The scales and minima of `AT_ONCE` blocks, in turn; where there is no minimum, the scale twice."""
    twice = [i // PAIR * PAIR for i in range(AT_ONCE * PAIR)]
    if form.scale_dtype == "float32":
        return f.shuffle(f.bits(words, vec(F32, AT_ONCE)), None, [i // PAIR for i in twice])
    halves = f.bits(words, vec(F16, AT_ONCE * PAIR))
    return f.convert(halves if form.minimum is not None else f.shuffle(halves, None, twice), F32)


def _half(f: Fn, block: Val, at: int, lanes: int) -> Val:
    """The float16 at a byte of a block, in all lanes."""
    if f.target.converts_halves:
        return f.convert(f.splat(f.load(f.at(block, at), 0, F16), lanes), F32)
    bits = f.convert(f.load(f.at(block, at), 0, I16), I32, signed=False)
    size = (bits & 0x7FFF) << 13  # the fraction in position, below an exponent that lacks 112
    # A denormal number is the difference of two that are not: programs take such numbers for zeros.
    small = f.bits(f.unfused("sub", f.bits(size + (113 << 23), F32), 2.0**-14), I32)
    finite = f.select(size < 1 << 23, small, size + (112 << 23))
    endless = size >= 0x7C00 << 13
    size = f.select(endless, size | 0x7F800000, finite)
    return f.splat(f.bits(size | ((bits & 0x8000) << 16), F32), lanes)


def _six_bits(f: Fn, p: Val) -> tuple[Val, Val]:
    """Eight scales and eight minima as floats: three words of four bytes each hold them."""
    a, b, c = (_word(f, p, at) for at in range(0, SIX_BITS, 4))
    low = 0x3F3F3F3F
    upper = lambda x: (f.binary("lshr", x, 6) & 0x03030303) << 4
    scales = a & low, (c & 0x0F0F0F0F) | upper(a)
    minima = b & low, (f.binary("lshr", c, 4) & 0x0F0F0F0F) | upper(b)
    fields = []
    for words in (scales, minima):
        both = f.zero(vec(I32, 2))
        for i, word in enumerate(words):
            both = f.insert(both, word, i)
        fields.append(f.convert(f.bits(both, vec(I8, 8)), F32, signed=False))
    return fields[0], fields[1]


def _four_bits(f: Fn, p: Val) -> tuple[Val, Val]:
    """Sixteen scales, the low halves of bytes, and sixteen minima, the high ones, as floats."""
    both = f.load(p, 0, vec(I8, 16))
    fields = both & 15, f.binary("lshr", both, 4)
    scales, minima = (f.convert(field, F32, signed=False) for field in fields)
    return scales, minima


def _signed_six_bits(f: Fn, p: Val) -> Val:
    """Sixteen scales as floats: words of four bytes hold their low four bits and their high two."""
    a, b, c = (_word(f, p, at) for at in range(0, SIX_BITS, 4))
    low, words = 0x0F0F0F0F, f.zero(vec(I32, 4))
    lows = a & low, b & low, f.binary("lshr", a, 4) & low, f.binary("lshr", b, 4) & low
    for i, word in enumerate(lows):
        high = f.binary("lshr", c, 2 * i) if i else c
        words = f.insert(words, word | ((high & 0x03030303) << 4), i)
    return f.convert(f.bits(words, vec(I8, 16)) - SIGNED_ZERO, F32)


def _word(f: Fn, p: Val, at: int) -> Val:
    """Four bytes, which need not begin at a multiple of four."""
    return f.bits(f.load(f.at(p, at), 0, vec(I8, 4)), I32)


def integers(f: Fn, block: Val, form: PackedFormat, run: Run, first: int, lanes: int) -> Val:
    """The int8 numbers first <= i < first + lanes of a run."""
    return unsigned(f, block, form, run, first, lanes) - form.zero


def unsigned(f: Fn, block: Val, form: PackedFormat, run: Run, first: int, lanes: int) -> Val:
    """The numbers of a run before the format's zero is subtracted."""
    numbers = vec(I8, lanes)
    q = f.load(f.at(block, run.low + first), 0, numbers)
    if form.bits == 8:
        return q
    q = f.binary("lshr", q, run.shift) if run.shift else q
    if run.shift + form.bits < 8:  # higher bits belong to others
        q = q & ((1 << form.bits) - 1)
    if form.across:
        return q | _bits_across(f, block, run, first, lanes)
    if form.high_bits:
        high = f.load(f.at(block, run.high + first), 0, numbers)
        high = f.binary("lshr", high, run.high_shift) if run.high_shift else high
        q = q | ((high & ((1 << form.high_bits) - 1)) << form.bits)
    return q


def _bits_across(f: Fn, block: Val, run: Run, first: int, lanes: int) -> Val:
    """16 where the bit of a number is set in the block's word."""
    word = _word(f, block, run.high)
    word = f.binary("lshr", word, run.high_shift + first)
    if lanes < 8:
        each = f.binary("lshr", f.splat(word, lanes), f.lane_numbers(lanes))
        return f.convert((each & 1) << 4, I8)
    bits = f.bits(f.convert(word, f"i{lanes}"), vec(I1, lanes))
    return f.select(bits, f.const(16, vec(I8, lanes)), f.zero(vec(I8, lanes)))


def unpacked(
    f: Fn, block: Val, form: PackedFormat, lanes: int, known_scales: Scales | None = None
) -> Iterator[tuple[int, Val]]:
    """(number of its first element, vector) of the block at an address, in order; its scales are read there unless they are known."""
    block_scales = known_scales or scales(f, block, form, lanes)
    looks_up = form.bits == 4 and not form.high_bits and lanes == TABLE and has_tables(f.target)
    for run in form.runs:
        scale, minimum = block_scales.of(f, run, lanes)
        # q * scale is exact if a minimum follows, so there is a single rounding, as the format defines.
        value = lambda q, scale=scale, minimum=minimum: (
            q * scale if minimum is None else f.fma(q, scale, minimum)
        )
        if looks_up:
            table = value(f.convert(f.lane_numbers(lanes) - form.zero, F32))
        for first in range(0, run.length, lanes):
            if looks_up:
                yield run.start + first, _looked_up(f, table, block, run, first)
            else:
                q = f.convert(integers(f, block, form, run, first, lanes), F32)
                yield run.start + first, value(q)


def has_tables(target: Target) -> bool:
    """True if the target can look up sixteen floats by four bits each in a register."""
    return target.architecture == "x86_64" and target.vector_bytes == 64


def _looked_up(f: Fn, table: Val, block: Val, run: Run, first: int) -> Val:
    """The values of a run's numbers, starting at `first`, from a table indexed by four bits."""
    index = f.load(f.at(block, run.low + first), 0, vec(I8, TABLE))
    index = f.convert(index, I32, signed=False)
    return look_up(f, table, f.binary("lshr", index, run.shift) if run.shift else index)


def look_up(f: Fn, table: Val, words: Val) -> Val:
    """The floats of a table of sixteen by the low four bits of each word."""
    return f.call("llvm.x86.avx512.permvar.sf.512", table, words, ret=table.ty)
