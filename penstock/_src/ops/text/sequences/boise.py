"""Spans of texts as tags of tokens: Begin, Inside and End of a span, Singleton, and Outside."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.variants import variant


def _same_rows(op, splits):
    if len({len(own) for own in splits}) > 1:
        raise op.invalid(
            f"all inputs must have as many rows. Received {[len(own) - 1 for own in splits]}."
        )


class _OffsetsToBoiseTags(Op):
    """The tag of each token."""

    signature = """input_token_begin_offsets: int32, input_token_end_offsets: int32, input_span_begin_offsets: int32,
        input_span_end_offsets: int32, input_span_type: string, input_token_begin_row_splits: int64,
        input_token_end_row_splits: int64, input_span_begin_row_splits: int64, input_span_end_row_splits: int64,
        input_span_type_row_splits: int64, input_use_strict_boundary_mode: bool -> output_boise_tags: string"""

    def shape(self, token_begin, *_):
        return token_begin.with_rank(1)

    def eager(self, token_begin, token_end, span_begin, span_end, kinds, *rest):
        *splits, is_strict = rest
        _same_rows(self, splits)
        tokens, token_ends, spans, span_ends, types = splits
        if not (
            np.array_equal(tokens, token_ends)
            and np.array_equal(spans, span_ends)
            and np.array_equal(spans, types)
        ):
            raise self.invalid("begins and ends must have as many elements in each row.")
        out = np.full(len(token_begin), b"O", object)
        for row in range(len(tokens) - 1):
            own = slice(tokens[row], tokens[row + 1])
            begins, ends = token_begin[own], token_end[own]
            for span in range(spans[row], spans[row + 1]):
                low, high, kind = span_begin[span], span_end[span], kinds[span]
                if low >= high:
                    continue
                around = (begins < low) & (ends > high)
                overlaps = (begins < high) & (ends > low)
                # A token that begins before and ends after its span counts in both modes, as in tensorflow-text.
                inside = (begins >= low) & (ends <= high) | around if bool(is_strict) else overlaps
                letters = np.where(
                    (ends > high) | (ends == high) & (begins > low),
                    b"E-",
                    np.where(begins == low, b"B-", b"I-"),
                )
                letters = np.where(
                    (begins == low) & (ends == high), b"S-", np.where(begins < low, b"B-", letters)
                )
                for place in np.flatnonzero(inside):
                    out[tokens[row] + place] = bytes(letters[place]) + kind
        return out


variant("TFText>OffsetsToBoiseTags", _OffsetsToBoiseTags)


class _BoiseTagsToOffsets(Op):
    """The spans that tags of tokens describe, and their types."""

    signature = """input_token_begin_offsets: int32, input_token_end_offsets: int32, input_boise_tags: string,
        input_token_begin_row_splits: int64, input_token_end_row_splits: int64, input_boise_tags_row_splits: int64
        -> output_span_begin_offsets: int32, output_span_end_offsets: int32, output_span_type: string,
        output_row_splits: int64"""

    def shape(self, token_begin, token_end, tags, splits, *_):
        return [None], [None], [None], splits.with_rank(1)

    def eager(self, token_begin, token_end, tags, *splits):
        _same_rows(self, splits)
        if not all(np.array_equal(splits[0], own) for own in splits):
            raise self.invalid("tokens and tags must have as many elements in each row.")
        spans, row_splits = [], [0]
        for begin, end in zip(splits[0][:-1].tolist(), splits[0][1:].tolist(), strict=True):
            spans += _spans(
                token_begin[begin:end].tolist(),
                token_end[begin:end].tolist(),
                tags[begin:end].tolist(),
            )
            row_splits.append(len(spans))
        kinds = np.empty(len(spans), object)
        kinds[:] = [kind for _, _, kind in spans]
        begins, ends = (np.array([span[k] for span in spans], np.int32) for k in (0, 1))
        return begins, ends, kinds, np.array(row_splits, np.int64)


def _spans(begins, ends, tags):
    """(begin, end, type) of each span: from B to E, or a single S."""
    spans, open_at, open_kind = [], -1, b""
    for place, tag in enumerate(tags):
        letter, is_tag, kind = tag.partition(b"-")
        if is_tag and letter in (b"B", b"I", b"E", b"S"):
            open_at = place if open_at < 0 else open_at
            open_kind = kind
            if letter in (b"E", b"S"):
                spans.append((begins[open_at], ends[place], open_kind))
                open_at = -1
        elif open_at >= 0:
            spans.append((begins[open_at], ends[place - 1], open_kind))
            open_at = -1
    if open_at >= 0:
        spans.append((begins[open_at], ends[-1], open_kind))
    return spans


variant("TFText>BoiseTagsToOffsets", _BoiseTagsToOffsets)
