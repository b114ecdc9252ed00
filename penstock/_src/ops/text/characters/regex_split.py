"""Strings cut at matches of a regular expression."""

import functools

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.strings.elements import data, text
from penstock._src.ops.strings.re2.parsing import Alt, At, Cat, Chars, Group, Repeat
from penstock._src.ops.strings.regex import compiled
from penstock._src.ops.text.characters.decoding import Characters, characters, cut, splits_shape

# Entry of `_Classes.table` for characters outside of delimiters. The last entry of the table is that of malformed bytes.
_NONE = -1
_SIZE = 0x110001


class _Classes:
    """A pattern that is a list of sets of characters, each of which matches one character or a run of them.

    Args:
      sets: (ranges, whether it matches a run) of each.
    """

    def __init__(self, sets):
        self.is_run = np.array([run for _, run in sets] + [False])
        self.tables = []
        self.table = np.full(_SIZE, _NONE, np.int8)
        self.is_apart = True
        for number, (ranges, run) in enumerate(sets):
            held = np.zeros(_SIZE, bool)
            for low, high in ranges:
                held[low : high + 1] = True
            self.tables.append(held)
            # A run goes on over characters that an earlier set would match.
            self.is_apart &= not (run and (self.table[held] != _NONE).any())
            self.table[held & (self.table == _NONE)] = number


def _sets(node):
    """The sets of a pattern of classes, in order; None for any other pattern."""
    if isinstance(node, Group):
        return _sets(node.part)
    if isinstance(node, Cat) and len(node.parts) == 1:
        return _sets(node.parts[0])
    if isinstance(node, Chars):
        return [(node.ranges, False)]
    if isinstance(node, Repeat):
        part = node.part
        while isinstance(part, Group) or (isinstance(part, Cat) and len(part.parts) == 1):
            part = part.part if isinstance(part, Group) else part.parts[0]
        is_run = (
            node.least == 1 and node.most is None and node.is_greedy and isinstance(part, Chars)
        )
        return [(part.ranges, True)] if is_run else None
    if isinstance(node, Alt):
        inner = [_sets(part) for part in node.parts]
        return None if None in inner else [one for part in inner for one in part]
    return None


@functools.lru_cache(maxsize=16)
def _classes(op_type, delimiter, keep):
    """The table of a delimiter's classes, and of each character whether it is kept as a delimiter; None where patterns are others."""
    sets = _sets(compiled(op_type, delimiter).tree)
    kept = _sets(compiled(op_type, keep).tree) if keep != b"()" else []
    if sets is None or kept is None or len(sets) > 100:
        return None
    classes, keeping = _Classes(sets), _Classes(kept)
    if not classes.is_apart:
        return None
    is_kept = np.zeros(_SIZE, bool)
    for held in keeping.tables:
        is_kept |= held
    for number, is_run in enumerate(classes.is_run[:-1]):
        own = classes.table == number
        if is_run and not _is_all_or_none(own, keeping):
            return None
    return classes, is_kept


def _is_all_or_none(run, keeping):
    """True if runs of these characters are always kept, False if never; None if it depends."""
    inside = [
        (held, one_or_more)
        for held, one_or_more in zip(keeping.tables, keeping.is_run, strict=False)
        if (held & run).any()
    ]
    return not inside or (len(inside) == 1 and inside[0][1] and bool(inside[0][0][run].all()))


def _pieces(found: Characters, classes: _Classes, is_kept: np.ndarray):
    """The indices of the first characters of pieces, and of the characters after them."""
    # A malformed character, -1, is the last entry.
    numbers = classes.table[found.points]
    is_first = found.is_first()
    begins = is_first[:-1].copy()
    begins[1:] |= numbers[1:] != numbers[:-1]
    begins |= ~classes.is_run[numbers] & (numbers != _NONE)
    first = np.flatnonzero(begins)
    behind = np.append(first[1:], len(numbers))
    stays = (numbers[first] == _NONE) | is_kept[found.points[first]]
    return first[stays], behind[stays]


class RegexSplitWithOffsets(Op):
    """The parts of strings between matches of a pattern, with those matches that another pattern keeps, and the bytes at which they begin and end."""

    signature = """input: string, delim_regex_pattern: string, keep_delim_regex_pattern: string
        -> tokens: string, begin_offsets: int64, end_offsets: int64, row_splits: int64"""

    def shape(self, input, delim_regex_pattern, keep_delim_regex_pattern):
        delim_regex_pattern.with_rank(0)
        keep_delim_regex_pattern.with_rank(0)
        return [None], [None], [None], splits_shape(input)

    def eager(self, input, delim_regex_pattern, keep_delim_regex_pattern):
        delimiter, keep = delim_regex_pattern.item(), keep_delim_regex_pattern.item()
        classes = _classes(self.op_type, delimiter, keep)
        if classes is None:
            return _searched(input, compiled(self.op_type, delimiter), compiled(self.op_type, keep))
        decoded = characters(input)
        first, behind = _pieces(decoded, *classes)
        row_splits = np.searchsorted(first, decoded.splits).astype(np.int64)
        begins, ends = decoded.begins[first], decoded.begins[behind]
        rows = np.repeat(decoded.starts[:-1], np.diff(row_splits))
        return cut(decoded.data, begins, ends), begins - rows, ends - rows, row_splits


def _looks_around(node) -> bool:
    if isinstance(node, At):
        return True
    if isinstance(node, Cat | Alt):
        return any(map(_looks_around, node.parts))
    return isinstance(node, Group | Repeat) and _looks_around(node.part)


def _searched(rows, delimiter, keep):
    """The outputs for any patterns."""
    tokens, begins, ends, splits = [], [], [], [0]
    by_rest = _looks_around(delimiter.tree)
    for row in rows:
        source = text(row)
        for begin, end in _spans(source, delimiter, keep, by_rest):
            first = len(data(source[:begin])) if not row.isascii() else begin
            tokens.append(data(source[begin:end]))
            begins.append(first)
            ends.append(first + len(tokens[-1]))
        splits.append(len(tokens))
    values = np.empty(len(tokens), object)
    values[:] = tokens
    return values, *(np.array(numbers, np.int64) for numbers in (begins, ends, splits))


def _spans(source, delimiter, keep, by_rest):
    """The characters at which pieces begin and end. What is left is a text of its own: `^` matches at its begin."""
    at = search = 0
    while True:
        shift = at if by_rest else 0
        spans = delimiter.find(source[shift:], search - shift)
        if spans is None:
            break
        begin, end = spans[0] + shift, spans[1] + shift
        if begin == end:  # nothing is cut by an empty match
            search = end + 1
            if search > len(source):
                break
            continue
        if begin > at:
            yield at, begin
        if keep.matches(source[begin:end]):
            yield begin, end
        at = search = end
    if at < len(source):
        yield at, len(source)
