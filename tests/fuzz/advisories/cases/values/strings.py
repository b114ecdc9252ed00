"""Strings."""

from tests.fuzz.advisories.case import calls, f32, floats, i32, i64, none, raw, text

CASES = (
    raw("CVE-2020-15203", "AsString", input=f32(), fill="%s", width=10, precision=5),
    raw("CVE-2020-15203", "AsString", input=i32([1]), fill="q", width=2**31 - 1),
    raw("CVE-2020-15205", "StringNGrams", data=text(["aa", "bb", "cc"]), data_splits=i64([0, 8]), separator=" ", ngram_widths=[2], left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False),
    raw("CVE-2021-29542", "StringNGrams", data=text([""]), data_splits=i64([0, 1]), separator="", ngram_widths=[1], left_pad="", right_pad="", pad_width=-5, preserve_short_sequences=True),
    raw("CVE-2021-29541", "StringNGrams", data=text(["a"] * 4), data_splits=i64([0, 0, 1, 3]), separator=" ", ngram_widths=[3, 5, 7, 9, 6], left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False),
    raw("CVE-2021-37646", "StringNGrams", data=text(["aa"]), data_splits=i64([0, 1]), separator=" ", ngram_widths=[-2147483648], left_pad="x", right_pad="y", pad_width=2**31 - 1, preserve_short_sequences=False),
    raw("CVE-2022-21733", "StringNGrams", data=text(["123456"]), data_splits=i64([0, 1]), separator="a" * 15, ngram_widths=[], left_pad="", right_pad="", pad_width=-5, preserve_short_sequences=True),
    raw("CVE-2022-21733", "StringNGrams", data=text(["a"]), data_splits=i64([0, 1]), separator=" ", ngram_widths=[2**30], left_pad="l", right_pad="r", pad_width=-1, preserve_short_sequences=False),
    raw("CVE-2021-29559", "UnicodeEncode", input_values=i32([1, 2]), input_splits=i64([0, 9]), errors="replace", output_encoding="UTF-8", replacement_char=65533),
    raw("CVE-2021-37667", "UnicodeEncode", input_values=i32([1]), input_splits=none(0, dtype="int64"), errors="replace", output_encoding="UTF-8", replacement_char=44),
    raw("CVE-2021-29617", "Substr", input=text("abc"), pos=i32([1, -1]), len=i32([1]), unit="BYTE"),
    raw("CVE-2021-29617", "Substr", input=text(["abc"]), pos=i32([1, -1, 3]), len=i32([2, 2]), unit="BYTE"),
    calls("CVE-2021-29617", "strings.substr", lambda tf: tf.strings.substr(tf.constant(""), [], [])),
    raw("CVE-2021-29552", "UnsortedSegmentJoin", inputs=text(["a"]), segment_ids=i32([0]), num_segments=i32([]), separator=""),
    raw("CVE-2022-29197", "UnsortedSegmentJoin", inputs=text(["a"]), segment_ids=i32([0]), num_segments=i32([1, 2]), separator=""),
    raw("CVE-2022-29204", "UnsortedSegmentJoin", inputs=text(["a"]), segment_ids=i32([0]), num_segments=i32(-45), separator=""),
    calls("CVE-2020-5215", "constant", lambda tf: tf.constant("hello", tf.float16)),
    calls("CVE-2020-26269", "io.matching_files", lambda tf: tf.io.matching_files("/tmp/x[*")),
    calls("CVE-2020-26269", "io.gfile.glob", lambda tf: tf.io.gfile.glob("//tmp/a/../b/[")),
    raw("CVE-2023-25660", "Print", input=f32(), data=[], message="a", first_n=0, summarize=3),
    calls("CVE-2023-25660", "print", lambda tf: tf.raw_ops.PrintV2(input=tf.constant([b"\xff"]), output_stream="stderr")),
    calls("CVE-2022-41911", "print", lambda tf: tf.print(tf.cast(tf.constant([170]), tf.bool))),
    raw("CVE-2021-41206", "StringToNumber", string_tensor=text(["1e999", ""]), out_type="float32"),
    raw("CVE-2021-41206", "DecodeCSV", records=text(["1,2"]), record_defaults=[floats([1.0, 2.0]), floats([1.0])]),
    raw("CVE-2021-41206", "StringSplitV2", input=text(["a b"]), sep=text(["a", "b"]), maxsplit=-5),
)  # fmt: skip
