"""Patterns of RE2: what they match, and in how much time. Expected results are TensorFlow's."""

import time

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.strings.re2.expression import expression
from penstock._src.ops.strings.re2.parsing import PatternError, parse

REPLACED = [
    ("a*", "baac", "-b-c-"),
    ("", "abc", "-a-b-c-"),
    ("a|", "aab", "--b-"),
    (r"\b", "ab cd", "-ab- -cd-"),
    ("^", "ab\ncd", "-ab\ncd"),
    ("(?m)^", "ab\ncd", "-ab\n-cd"),
    ("$", "a\n", "a\n-"),
    (r"\pL+", "aéb1", "-1"),
    (r"\p{Lu}|\P{Latin}", "aB1", "a--"),
    (r"\d", "٣1", "٣-"),
    (r"\w+", "é_a", "é-"),
    ("(?i)k|É", "K\u212aé", "---"),
    ("a{,3}", "a{,3}", "-"),
    ("[]a]", "a]", "--"),
    ("(?U)a+", "aaa", "---"),
    ("(?s).", "\n", "-"),
    (r"\x{1F600}|\07|\Q.*\E", "😀\x07.*", "---"),
    (r"[\d-z]", "-", "-"),
    (r"\s", "\x0b", "\x0b"),
]


@pytest.mark.parametrize("pattern, text, wanted", REPLACED)
def test_replacing_matches(pattern, text, wanted):
    assert tf.strings.regex_replace(text, pattern, "-").numpy().decode() == wanted


@pytest.mark.parametrize("pattern, text, wanted", REPLACED)
def test_the_machine_finds_what_python_finds(pattern, text, wanted):
    found = expression(pattern)
    for start in range(len(text) + 1):
        assert found.machine().match(text, start) == found.find(text, start)
        whole = found.machine().match(text[start:], 0, True) is not None
        assert whole == found.matches(text[start:])


def test_bytes_that_are_no_text_match_nothing():
    found = tf.strings.regex_replace([b"\xffa\xfe"], "[^a]|.", "-").numpy()
    np.testing.assert_array_equal(found, [b"\xff-\xfe"])


@pytest.mark.parametrize(
    "pattern, reason",
    [
        ("(a", "missing ): (a"),
        ("a)", "unexpected ): a)"),
        ("[a", "missing ]: [a"),
        ("*a", "no argument for repetition operator: *"),
        ("a**", "bad repetition operator: **"),
        ("*?a", "no argument for repetition operator: *?"),
        ("a*{2}?", "bad repetition operator: *{2}?"),
        ("(a){1001}", "invalid repetition size: {1001}"),
        ("x{2,1}", "invalid repetition size: {2,1}"),
        ("(?=a)", "invalid perl operator: (?="),
        (r"(a)\1", r"invalid escape sequence: \1"),
        (r"\Z", r"invalid escape sequence: \Z"),
        ("[z-a]", "invalid character class range: z-a"),
        ("[[:foo:]]", "invalid character class range: [:foo:]"),
        ("\\", "trailing \\"),
    ],
)
def test_patterns_that_are_refused(pattern, reason):
    with pytest.raises(PatternError) as refusal:
        parse(pattern)
    assert str(refusal.value) == reason
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid pattern"):
        tf.strings.regex_full_match("a", pattern)


@pytest.mark.parametrize(
    "pattern", ["((a+)+)+b", "(a|aa)*b", "(a*)*b", "(a?){30}a{30}b", "(.*)(.*)(.*)x"]
)
def test_no_pattern_takes_more_time_than_the_text_is_long(pattern):
    text = "a" * 20_000
    start = time.process_time()
    assert not tf.strings.regex_full_match(text, pattern)
    assert tf.strings.regex_replace(text, pattern, "-") == text
    assert time.process_time() - start < 10


def test_a_pattern_that_would_need_much_memory_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large|repetition size"):
        tf.strings.regex_full_match("a", "((a{100}){100}){100}")
    with pytest.raises(tf.errors.InvalidArgumentError, match="nests too deeply"):
        tf.strings.regex_full_match("a", "(" * 5000)


def test_a_rewrite_ends_at_a_lone_backslash():
    assert tf.strings.regex_replace("abc", "b", "\\").numpy() == b"ac"


@pytest.mark.parametrize(
    "pattern, literal",
    [
        (r"(\w+) of", b" of"), (".*Tensor.*", b"Tensor"), ("(a)(b)c|abc", b""), (r"ab\bcd", b"abcd"),
        ("x(?:abc)+y", b"abc"), ("x(?:abc)*yz", b"yz"), ("(?i)abc", b""), ("aéb", b"a"), ("ab?c", b"a"),
        ("", b""), ("a{2}bc", b"bc"),
    ],
)  # fmt: skip
def test_literal_is_in_every_match(pattern, literal):
    assert expression(pattern).literal == literal


def test_strings_with_and_without_the_literal_are_matched_alike():
    words = np.array(
        [[b"one of two", b"of", b" of", b"", b"\xff of x"], ["é of é".encode(), b"\xff", b"a\n of", b"of of of", b"x of"]],
        object,
    )  # fmt: skip
    replaced = tf.strings.regex_replace(words, r"(\w+) of", r"[\1]").numpy().tolist()
    assert replaced == [
        [b"[one] two", b"of", b" of", b"", b"\xff of x"],
        ["é of é".encode(), b"\xff", b"a\n of", b"[of] of", b"[x]"],
    ]
    first = tf.strings.regex_replace(words, "of", "", replace_global=False).numpy()
    assert first[1, 3] == b" of of"
    full = tf.strings.regex_full_match(words, ".*of.*").numpy().tolist()
    assert full == [[True, True, True, False, False], [True, False, False, True, True]]
    assert tf.strings.regex_full_match(np.empty([0, 2], object), "a").shape == [0, 2]
