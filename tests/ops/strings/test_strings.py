"""Strings: results recorded on TensorFlow 2.21."""

import re

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.ops.strings import basic, split
from penstock._src.ops.strings.fingerprint import hash64


def listed(tensor):
    return np.asarray(tensor.numpy()).tolist()


def test_hash_buckets_are_tensorflows():
    texts = ["", "a", "hello", "x" * 20, "y" * 40, "z" * 100]
    found = listed(raw.StringToHashBucketFast(input=texts, num_buckets=1000003))
    assert found == [377723, 291400, 497363, 268677, 641401, 111982]
    strong = raw.StringToHashBucketStrong(input=["", "hello"], num_buckets=1000003, key=[3, 4])
    assert listed(strong) == [82242, 395568]


def test_numbers_as_strings():
    x = np.float32([1.5, -2.25, 1e20, np.nan])
    assert listed(raw.AsString(input=x)) == [
        b"1.500000",
        b"-2.250000",
        b"100000002004087734272.000000",
        b"nan",
    ]
    assert listed(raw.AsString(input=x, shortest=True)) == [b"1.5", b"-2.25", b"1e+20", b"nan"]
    assert listed(raw.AsString(input=np.array([True, False]))) == [b"true", b"false"]
    assert listed(raw.StringToNumber(string_tensor=["1e3", " 5 "])) == [1000.0, 5.0]
    with pytest.raises(InvalidArgumentError, match="could not correctly convert string: abc"):
        raw.StringToNumber(string_tensor=["abc"])


def test_splits_keep_empty_parts_between_separators():
    found = raw.StringSplitV2(input=["a,b,,c,", "", "x"], sep=",")
    assert listed(found.values) == [b"a", b"b", b"", b"c", b"", b"", b"x"]
    assert listed(raw.StringSplitV2(input=[" a b  c "], sep="", maxsplit=1).values) == [
        b"a",
        b"b  c ",
    ]


def test_strings_of_a_segment_are_joined_in_their_order():
    rows = [["a", "b"], ["c", "d"], ["e", "f"], ["g", ""]]
    joined = raw.UnsortedSegmentJoin(
        inputs=rows, segment_ids=[3, 0, 3, 1], num_segments=5, separator="-"
    )
    assert joined.numpy().tolist() == [
        [b"c", b"d"],
        [b"g", b""],
        [b"", b""],
        [b"a-e", b"b-f"],
        [b"", b""],
    ]


@pytest.mark.parametrize("delimiters", ["|", "|;\xff", ";"])
def test_strings_are_cut_at_each_of_some_bytes(delimiters):
    delimiters, text = delimiters.encode("latin1"), b"|a;;b\xff|\xfec;"
    pieces = re.split(b"[" + re.escape(delimiters) + b"]", text)
    for skips in (False, True):
        found = raw.StringSplit(input=[text], delimiter=delimiters, skip_empty=skips)
        assert listed(found.values) == [p for p in pieces if p or not skips]


def test_formats_summarize_long_arrays():
    shown = raw.StringFormat(
        inputs=[np.arange(20.0).reshape(4, 5)], template="x %s", placeholder="%s", summarize=1
    )
    assert shown.numpy() == b"x [[0 ... 4]\n ...\n [15 ... 19]]"


def test_regular_expressions():
    replaced = raw.RegexReplace(input=["hello world"], pattern="(l+)", rewrite="<\\1\\0>")
    assert listed(replaced) == [b"he<llll>o wor<ll>d"]
    assert listed(raw.RegexFullMatch(input=["hello", "hallo"], pattern="h.l+o")) == [True, True]
    with pytest.raises(InvalidArgumentError, match="Invalid pattern"):
        raw.RegexReplace(input=["a"], pattern="(", rewrite="")


def test_characters():
    found = raw.UnicodeDecodeWithOffsets(input=[b"a\xff\xe2\x82b"], input_encoding="UTF-8")
    assert listed(found.char_values) == [97, 65533, 65533, 98]
    assert listed(found.char_to_byte_starts) == [0, 1, 2, 4]
    assert listed(raw.StringLower(input=["ÀB"], encoding="utf-8")) == ["àb".encode()]


def test_reduction():
    joined = raw.ReduceJoin(
        inputs=[["a", "b"], ["c", "d"]], reduction_indices=[0, 1], separator="-"
    )
    assert joined.numpy() == b"a-c-b-d"


def test_letters_of_malformed_text_are_replaced():
    found = raw.StringUpper(input=[b"\xe6\xbcA", b"\xffa"], encoding="utf-8")
    assert listed(found) == ["\ufffdA".encode(), "\ufffdA".encode()]


def test_reduce_join_of_nothing_and_of_wrong_axes():
    none = np.zeros([0, 2], object)
    assert listed(raw.ReduceJoin(inputs=none, reduction_indices=1)) == []
    with pytest.raises(OutOfRangeError, match="Invalid reduction dimension 2"):
        raw.ReduceJoin(inputs=["a"], reduction_indices=2)


def test_summaries_of_no_elements():
    shown = [raw.StringFormat(inputs=[x], template="%s", summarize=0) for x in ([1, 2], 1.5)]
    assert listed(shown[0]) == b"[ ...]" and listed(shown[1]) == b"..."


def test_replacement_characters_are_code_points():
    for call in (raw.UnicodeDecode, raw.UnicodeTranscode):
        with pytest.raises(InvalidArgumentError, match="replacement_char"):
            call(
                input=["a"],
                input_encoding="UTF-8",
                replacement_char=0x110000,
                **({"output_encoding": "UTF-8"} if call is raw.UnicodeTranscode else {}),
            )


@pytest.mark.parametrize(
    ("text", "encoding", "points", "offsets"),
    [
        (b"\x00a\x00b", "UTF-16", [97, 98], [0, 2]),
        (b"\xff\xfea\x00b\x00", "UTF-16", [97, 98], [0, 4]),
        (b"\xfe\xff\x00a\x00b", "UTF-16", [97, 98], [0, 4]),
        (b"\x00\x00\x00a", "UTF-32", [97], [0]),
        (b"\xb0\xa1", "euc_kr", [0xAC00], [0]),
    ],
)
def test_byte_orders(text, encoding, points, offsets):
    """As in TensorFlow 2.21: big-endian unless a byte order mark says otherwise."""
    _, found, places = raw.UnicodeDecodeWithOffsets(input=[text], input_encoding=encoding)
    assert (listed(found), listed(places)) == (points, offsets)


@pytest.mark.parametrize(
    ("op", "arguments", "error", "message"),
    [
        (
            "Substr",
            {"input": [[["a", "b"]]], "pos": [0, 0], "len": [1, 1]},
            UnimplementedError,
            "Substr broadcast not implemented for 3 dimensions",
        ),
        (
            "UnsortedSegmentJoin",
            {"inputs": ["a", "b"], "segment_ids": [-1, 0], "num_segments": 2},
            InvalidArgumentError,
            "not allowed to exceed num_segments or to have negative values",
        ),
        ("DecodeBase64", {"input": "a"}, InvalidArgumentError, "cannot be 1 modulo 4"),
        (
            "StringSplit",
            {"input": ["a"], "delimiter": ["|", ""]},
            InvalidArgumentError,
            r"delimiter must be a scalar, got shape: \[2\]",
        ),
    ],
)
def test_refusals(op, arguments, error, message):
    """The causes that TensorFlow 2.21 names."""
    with pytest.raises(error, match=message):
        getattr(raw, op)(**arguments)


@pytest.mark.parametrize("text", ["====", "aaaa====", "aaa=====", "a===", "ab=", "ab=c"])
def test_base64_has_no_needless_padding(text):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_base64(text)
    assert tf.io.decode_base64("YWI=") == tf.io.decode_base64("YWI") == b"ab"


def test_bytes_of_strings():
    found = tf.strings.bytes_split([b"a\xff", b"", b"\0b"])
    assert found.to_list() == [[b"a", b"\xff"], [], [b"\0", b"b"]]


@pytest.mark.parametrize("texts", [["h\u00e9", "", "\U0001f388x"], [b"a\xc3", b"\xa9b"]])
def test_characters_begin_at_their_bytes(texts):
    points, begins = tf.strings.unicode_decode_with_offsets(texts, "UTF-8")
    for text, row, at in zip(texts, points.to_list(), begins.to_list(), strict=True):
        data = text.encode() if isinstance(text, str) else text
        assert "".join(map(chr, row)) == data.decode(errors="replace")
        assert at == [len(data[:k]) for k in range(len(data)) if k in at]


def test_control_characters_are_those_below_the_space():
    text = "a\t\n\x7f\x85b"
    found = tf.strings.unicode_decode(
        text, "UTF-8", replace_control_characters=True, replacement_char=63
    )
    assert "".join(map(chr, found.numpy())) == "a??\x7f\x85b"


def test_numbers_without_signs_show_none():
    assert tf.strings.as_string(np.array([7], np.uint8), width=3, fill="+").numpy().tolist() == [
        b"  7"
    ]
    assert tf.strings.as_string(np.array([7], np.int8), width=3, fill="+").numpy().tolist() == [
        b" +7"
    ]


@pytest.mark.parametrize("separator", ["", ","])
def test_no_split_leaves_strings_whole(separator):
    found = tf.strings.split([" a,b ", ""], separator, maxsplit=0)
    assert found.to_list() == [[b" a,b "], [b""]]


def test_a_separator_is_a_scalar():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="must be rank 0 but is rank 1"):
        tf.strings.split(["a"], [","])


@pytest.mark.parametrize(
    ("most", "pieces"),
    [
        (1, [[], [b"a", b""], [b"a", b"b  c "], [b"a", b""]]),
        (2, [[], [b"a"], [b"a", b"b", b"c "], [b"a"]]),
    ],
)
def test_what_is_left_after_the_last_split_keeps_its_spaces(most, pieces):
    texts = [b" ", b" a", b"a\tb  c ", b"a "]
    assert tf.strings.split(texts, maxsplit=most).to_list() == pieces


def test_buckets_of_all_lengths_are_those_of_the_plain_hash():
    texts = [bytes(range(n)) for n in range(40)]
    found = listed(raw.StringToHashBucket(string_tensor=texts, num_buckets=1 << 60))
    assert found == [hash64(s) % (1 << 60) for s in texts]


def test_characters_do_not_go_backwards_from_the_end():
    with pytest.raises(InvalidArgumentError, match="pos -1 out of range for string at index 0"):
        tf.strings.substr([b"hello"], -1, -1, "UTF8_CHAR")


def test_many_numbers_are_formatted_as_each_is():
    numbers = np.random.default_rng(0).normal(size=5000) * 1e3
    found = listed(tf.strings.as_string(numbers, precision=2, width=9, fill="0"))
    assert found == [b"%09.2f" % x for x in numbers]


def test_malformed_parts_of_transcoded_text_are_replaced():
    found = tf.strings.unicode_transcode([b"h\xc3\xa9", b"a\xffb"], "UTF-8", "UTF-16-BE")
    assert listed(found) == ["hé".encode("utf-16-be"), "a\ufffdb".encode("utf-16-be")]


@pytest.mark.parametrize("unit", ["BYTE", "UTF8_CHAR"])
@pytest.mark.parametrize("begin", [0, 1, -1, 4, -4, 9])
@pytest.mark.parametrize("count", [0, 2, 100, -1])
def test_parts_at_one_position_are_those_at_equal_positions(unit, begin, count):
    words = tf.constant([["hello", "wonder"], ["abcde", "\u00fcber"]])

    def parts(begin, count):
        try:
            return tf.strings.substr(words, begin, count, unit).numpy().tolist()
        except tf.errors.InvalidArgumentError as error:
            return error.message

    each = parts(tf.fill([2, 2], begin), tf.fill([2, 2], count))
    assert parts(begin, count) == each


@pytest.mark.parametrize("op, change", [(raw.StringLower, str.lower), (raw.StringUpper, str.upper)])
@pytest.mark.parametrize("more", [[], [b"\0\xc3"]])
def test_strings_change_case_as_each_does_alone(op, change, more):
    # half characters, a final sigma, letters that become two, and a zero between
    given = [b"\xc3", "ΑΣ".encode(), "Σα".encode(), b"\xe2\x82", "İßé".encode(), b"", b"Ab", *more]
    read = [s.partition(b"\0")[0] for s in given]
    wanted = [change(s.decode(errors="replace")).encode() for s in read]
    assert listed(op(input=given, encoding="utf-8")) == wanted


@pytest.mark.parametrize("shape", [(6,), (6, 2)])
def test_segments_are_joined_in_order(shape):
    given = np.array([b"%d" % n for n in range(np.prod(shape))], object).reshape(shape)
    found = tf.strings.unsorted_segment_join(given, [2, 0, 2, 3, 0, 2], 5, ", ")
    rows = {0: [1, 4], 2: [0, 2, 5], 3: [3]}
    for segment in range(5):
        row = given[rows.get(segment, [])]
        wanted = b", ".join(row) if len(shape) == 1 else [b", ".join(column) for column in row.T]
        np.testing.assert_array_equal(found[segment], wanted)


@pytest.mark.parametrize("pad_width", [-1, 0, 1])
@pytest.mark.parametrize("preserves", [True, False])
def test_native_ngrams_are_those_of_rows(pad_width, preserves, monkeypatch):
    arguments = dict(
        data=[b"a", b"bc", b"", b"d", b"e", b"f"], data_splits=np.array([0, 1, 1, 4, 6]),
        separator="-", ngram_widths=[3, 2], left_pad="<", right_pad=">", pad_width=pad_width,
        preserve_short_sequences=preserves,
    )  # fmt: skip
    natively = raw.StringNGrams(**arguments)
    monkeypatch.setattr(split, "runs_native_code", lambda: False)
    for found, wanted in zip(natively, raw.StringNGrams(**arguments), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.fixture(params=[True, False], ids=["native", "python"])
def with_native_code(request, monkeypatch):
    """Runs a test with native code, and without."""
    if not request.param:
        monkeypatch.setattr(basic, "runs_native_code", lambda: False)


@pytest.mark.usefixtures("with_native_code")
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [(["", "a"], "a"), (["a", ""], "a-"), (["a", "", "b"], "a--b"), (["", ""], "")],
)
def test_segments_are_joined_from_the_first_string_that_is_not_empty(pieces, expected):
    joined = tf.strings.unsorted_segment_join(pieces, [0] * len(pieces), 2, "-")
    assert joined.numpy().tolist() == [expected.encode(), b""]


@pytest.mark.usefixtures("with_native_code")
def test_characters_of_substr_go_up_to_the_next_byte_that_continues_none():
    parts = tf.strings.substr(
        ["a é\x92".encode("latin-1"), b"\x92\x92ab"], [-1, -2], [1, 1], unit="UTF8_CHAR"
    )
    assert parts.numpy().tolist() == [b"\xe9\x92", b"a"]
    assert tf.strings.substr(b"\x92\x92a", 0, 1, unit="UTF8_CHAR").numpy() == b"\x92\x92"
    with pytest.raises(tf.errors.InvalidArgumentError, match="pos 2 out of range"):
        tf.strings.substr(b"a\x92", 2, 1, unit="UTF8_CHAR")


def test_characters_change_case_up_to_the_first_zero():
    x = tf.constant([b"a\0b", "é\0é".encode(), b"ss"])
    assert tf.strings.upper(x, encoding="utf-8").numpy().tolist() == [b"A", "É".encode(), b"SS"]
    assert tf.strings.lower("A\0B", encoding="utf-8").numpy() == b"a"
    assert tf.strings.upper("a\0b").numpy() == b"A\0B"


def test_strict_transcoding_refuses_control_characters_to_be_replaced():
    attrs = {"errors": "strict", "replace_control_characters": True}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid formatting"):
        tf.strings.unicode_transcode("a\nb", "UTF-8", "UTF-8", **attrs)
    assert tf.strings.unicode_decode("a\n", "UTF-8", **attrs).numpy().tolist() == [97, 65533]


def test_lists_in_json_are_no_examples():
    with pytest.raises(tf.errors.InvalidArgumentError, match="object is expected"):
        tf.io.decode_json_example("[]")


def test_string_attributes_may_hold_any_bytes():
    rows, other = tf.constant([["a", "b"], ["c", "d"]]), b"\xff"

    def texts():
        return [
            tf.strings.join([["a"], ["b"]], separator=other),
            tf.strings.reduce_join(rows, 1, separator=other),
            tf.strings.ngrams(["a", "b"], 2, separator=other, pad_values=(b"\xfe", b"\xfd")),
            tf.raw_ops.StaticRegexReplace(input=[b"ab"], pattern=b"b", rewrite=other),
            tf.raw_ops.StringFormat(inputs=[1], template=b"\xff%s", placeholder=b"%s", summarize=3),
        ]

    expected = [
        [b"a\xffb"],
        [b"a\xffb", b"c\xffd"],
        [b"\xfe\xffa", b"a\xffb", b"b\xff\xfd"],
        [b"a\xff"],
        b"\xff1",
    ]
    for wrap in (lambda f: f, tf.function):
        assert [
            t.numpy().tolist() if t.shape.rank else t.numpy() for t in wrap(texts)()
        ] == expected
        fields = wrap(
            lambda: tf.io.decode_csv([b"1\xff2", b"3\xff\xfe"], [[0], [7]], other, True, b"\xfe")
        )()
        assert [field.numpy().tolist() for field in fields] == [[1, 3], [2, 7]]


def test_string_attributes_of_any_bytes_stay_in_graphs():
    with tf.Graph().as_default() as graph:
        tf.strings.join(["a", "b"], separator=b"\xff", name="joined")
    message = graph.as_graph_def()
    (node,) = [node for node in message.node if node.name == "joined"]
    assert node.attr["separator"].s == b"\xff"
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tf.import_graph_def(message, name="")
        assert graph.get_operation_by_name("joined").get_attr("separator") == b"\xff"
        assert session.run("joined:0") == b"a\xffb"
