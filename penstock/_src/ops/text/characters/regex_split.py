"""Strings cut at matches of a regular expression."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.native.algorithms.texts.patterns import automata
from penstock._src.native.algorithms.texts.words import parts_of
from penstock._src.ops.strings.re2.parsing import Alt, At, Cat, Group, Repeat
from penstock._src.ops.strings.regex import compiled
from penstock._src.ops.text.characters.decoding import splits_shape


class RegexSplitWithOffsets(Op):
    """The parts of strings between matches of a pattern, with those matches that another pattern keeps, and the bytes at which they begin and end."""

    signature = """input: string, delim_regex_pattern: string, keep_delim_regex_pattern: string
        -> tokens: string, begin_offsets: int64, end_offsets: int64, row_splits: int64"""

    def shape(self, input, delim_regex_pattern, keep_delim_regex_pattern):
        delim_regex_pattern.with_rank(0)
        keep_delim_regex_pattern.with_rank(0)
        return [None], [None], [None], splits_shape(input)

    def eager(self, input, delim_regex_pattern, keep_delim_regex_pattern):
        delimiter = compiled(self.op_type, delim_regex_pattern.item())
        keep = compiled(self.op_type, keep_delim_regex_pattern.item())
        cutting, keeping = delimiter.automaton(False), keep.automaton(True)
        if cutting is not None and keeping is not None:
            parts = automata.split(input, cutting, keeping)
            if parts is not None:
                strings = np.ascontiguousarray(input)
                return parts_of(strings, parts), parts.begins, parts.ends, parts.splits
        return searched(input, delimiter, keep)


def _looks_around(node) -> bool:
    if isinstance(node, At):
        return True
    if isinstance(node, Cat | Alt):
        return any(map(_looks_around, node.parts))
    return isinstance(node, Group | Repeat) and _looks_around(node.part)


def searched(rows, delimiter, keep):
    """The outputs for any patterns."""
    tokens, begins, ends, splits = [], [], [], [0]
    by_rest = _looks_around(delimiter.tree)
    for row in rows:
        reader, source, encoding = delimiter.reading(row)
        if keep.sees_bytes and encoding == "utf-8":
            reader, source, encoding = delimiter.by_bytes(), row.decode("latin-1"), "latin-1"
        keeper = keep if encoding == "utf-8" else keep.by_bytes()
        for begin, end in _spans(source, reader, keeper, by_rest):
            begins.append(len(source[:begin].encode(encoding)))
            tokens.append(source[begin:end].encode(encoding))
            ends.append(begins[-1] + len(tokens[-1]))
        splits.append(len(tokens))
    values = np.empty(len(tokens), object)
    values[:] = tokens
    return values, *(np.array(numbers, np.int64) for numbers in (begins, ends, splits))


def _spans(source, delimiter, keep, by_rest):
    """The characters at which pieces begin and end. The rest after a delimiter is searched as a separate text if `by_rest`: `^` matches at its start."""
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
