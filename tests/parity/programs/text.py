"""Strings: parts, joins, patterns, codes, numbers, digests."""

import numpy as np

WORDS = np.array([b"Alpha beta", b" gamma ", b"", "d\u00e9j\u00e0 \u4e2d".encode()])


def _words(tf):
    return tf.constant(list(WORDS))


def cases_lengths_and_parts(tf, tmp):
    raw, words = tf.raw_ops, _words(tf)
    return [
        [raw.StringLength(input=words, unit=u) for u in ("BYTE", "UTF8_CHAR")],
        [raw.StringUpper(input=words, encoding=e) for e in ("", "utf-8")],
        [raw.StringLower(input=words, encoding=e) for e in ("", "utf-8")],
        raw.StringStrip(input=words),
        raw.Substr(input=words[:2], pos=np.array([1, 2]), len=np.array([3, 9])),
        raw.Substr(input=words[3], pos=-3, len=2, unit="UTF8_CHAR"),
        raw.StringJoin(inputs=[words, words], separator="|"),
        raw.ReduceJoin(inputs=tf.reshape(words, [2, 2]), reduction_indices=[1], separator="+"),
        raw.UnsortedSegmentJoin(
            inputs=words, segment_ids=[1, 0, 1, 2], num_segments=4, separator=","
        ),
    ]


def splits(tf, tmp):
    raw, words = tf.raw_ops, _words(tf)
    return [
        list(raw.StringSplit(input=words, delimiter=" ", skip_empty=True)),
        list(raw.StringSplit(input=words, delimiter="a", skip_empty=False)),
        list(raw.StringSplitV2(input=words, sep="", maxsplit=-1)),
        list(raw.StringSplitV2(input=words, sep="a", maxsplit=1)),
    ]


def patterns(tf, tmp):
    raw, words = tf.raw_ops, _words(tf)
    return [
        raw.RegexReplace(input=words, pattern="([a-b]+)", rewrite="<\\1>", replace_global=False),
        raw.StaticRegexReplace(input=words, pattern="a", rewrite="\\\\0\\0", replace_global=True),
        raw.RegexFullMatch(input=words, pattern=".*a.*"),
        raw.StaticRegexFullMatch(input=words, pattern="\\s\\pL+\\s"),
    ]


def ngrams(tf, tmp):
    op = tf.raw_ops.StringNGrams
    data = {"data": [b"a", b"b", b"c", b"d", b"e"], "data_splits": np.array([0, 2, 2, 5], np.int64)}
    marks = {"separator": "_", "left_pad": "<", "right_pad": ">"}
    return [
        list(
            op(**data, **marks, ngram_widths=widths, pad_width=pad, preserve_short_sequences=short)
        )
        for widths, pad, short in (
            ([2], 0, False),
            ([3], -1, False),
            ([1, 3], 1, True),
            ([4], 0, True),
        )
    ]


def codes(tf, tmp):
    raw, words = tf.raw_ops, _words(tf)
    broken = tf.constant([b"ok", b"a\xffb", b"\xe4\xb8"])
    decoded = [
        list(raw.UnicodeDecode(input=broken, input_encoding="UTF-8", errors=e, replacement_char=63))
        for e in ("replace", "ignore")
    ]
    offsets = raw.UnicodeDecodeWithOffsets(input=words, input_encoding="UTF-8")
    points, rows = np.array([72, 105, 0x4E2D], np.int32), np.array([0, 2, 3], np.int64)
    return [
        decoded,
        list(offsets),
        [
            raw.UnicodeEncode(input_values=points, input_splits=rows, output_encoding=e)
            for e in ("UTF-8", "UTF-16-BE", "UTF-32-BE")
        ],
        raw.UnicodeScript(input=np.array([65, 0x4E2D, 0x3B1, 32], np.int32)),
        raw.UnicodeTranscode(input=words, input_encoding="UTF-8", output_encoding="UTF-16-BE"),
        raw.EncodeBase64(input=words, pad=True),
        raw.DecodeBase64(input=raw.EncodeBase64(input=words, pad=False)),
    ]


def numbers_and_digests(tf, tmp):
    raw, words = tf.raw_ops, _words(tf)
    values = np.array([1.5, -20.25, 1e10, np.inf], np.float32)
    return [
        raw.StringToNumber(string_tensor=[b"1.5", b"-7", b"1e3"], out_type=tf.float64),
        raw.StringToNumber(string_tensor=[b"15", b"-7"], out_type=tf.int32),
        raw.StringToHashBucket(string_tensor=words, num_buckets=97),
        raw.StringToHashBucketFast(input=words, num_buckets=1 << 40),
        raw.StringToHashBucketStrong(input=words, num_buckets=1 << 40, key=[3, 9]),
        raw.Fingerprint(data=values, method="farmhash64"),
        raw.Fingerprint(data=words, method="farmhash64"),
        raw.AsString(input=values, precision=3, scientific=True),
        raw.AsString(input=np.array([1, -20]), width=6, fill="0"),
        raw.StringFormat(inputs=[values], template="x = {}", placeholder="{}", summarize=2),
    ]
