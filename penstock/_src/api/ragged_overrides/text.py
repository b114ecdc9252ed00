"""String functions of ragged tensors that are not elementwise."""

from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.strings import functions as strings
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec

from .reductions import reducer


def _segment_join(data, ids, count, separator=""):
    return raw.UnsortedSegmentJoin(
        inputs=data, segment_ids=ids, num_segments=count, separator=separator
    )


_joined = reducer(strings.reduce_join, _segment_join)


def _reduce_join(inputs, axis=None, keepdims=False, separator="", name=None):
    return _joined(inputs, axis, keepdims, separator=separator)


def _format(template, inputs, placeholder="{}", summarize=3, name=None):
    """tf.strings.format; ragged inputs are formatted like nested Python lists."""
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    pieces = template.split(placeholder)
    if len(pieces) != len(listed) + 1:
        return strings.format(template, [x.flat_values for x in listed], placeholder, summarize)
    shown = [
        ragged_tensor_to_string(x, summarize)
        if isinstance(x, RaggedTensor)
        else strings.format("{}", x, "{}", summarize)
        for x in listed
    ]
    parts = [convert_to_tensor(pieces[0])]
    for text, after in zip(shown, pieces[1:], strict=True):
        parts += [text, convert_to_tensor(after)]
    return strings.join(parts, name=name)


def ragged_tensor_to_string(rt, summarize=None):
    """The text of a ragged tensor as nested lists; at most `summarize` entries at each end of a row."""
    if (
        summarize is not None
        and summarize != -1
        and not (isinstance(summarize, int) and summarize > 0)
    ):
        raise ValueError(f"Expected summarize to be -1 or a positive int, got {summarize}")
    flat = rt.flat_values
    if flat.dtype == dtypes.string:
        quote = convert_to_tensor("'")
        text = strings.join([quote, strings.regex_replace(flat, r"(['\\])", r"\\\1"), quote])
    else:
        text = strings.as_string(flat)
    return _bracketed(rt.with_flat_values(text), summarize)


def _bracketed(texts, summarize):
    """Formats rows of strings as one string, abbreviating long rows in the middle."""
    if texts.shape.rank > 1:
        texts = map_fn(
            lambda row: _bracketed(row, summarize),
            texts,
            fn_output_signature=TensorSpec([], dtypes.string),
        )
    if summarize in (-1, None):
        pieces = texts
    else:
        count = raw.Size(input=texts)
        shortened = raw.ConcatV2(
            values=[texts[:summarize], convert_to_tensor(["..."]), texts[-summarize:]], axis=0
        )
        fits = raw.LessEqual(x=count, y=convert_to_tensor(2 * summarize))
        pieces = _either(fits, texts, shortened)
    inside = strings.reduce_join(pieces, separator=", ")
    return strings.join(["[", inside, "]"])


def _either(condition, vector, other):
    """One of two vectors of different lengths."""
    both = raw.ConcatV2(values=[vector, other], axis=0)
    count = raw.Size(input=vector)
    begin = raw.SelectV2(condition=condition, t=convert_to_tensor(0), e=count)
    end = raw.SelectV2(condition=condition, t=count, e=raw.Size(input=both))
    return both[begin:end]


TEXT = {strings.reduce_join: _reduce_join, strings.format: _format}
