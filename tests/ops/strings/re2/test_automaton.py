"""Patterns as automata in native code, beside TensorFlow and beside the search by characters."""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.native.algorithms.texts.patterns import automata
from penstock._src.ops.strings import regex
from penstock._src.ops.strings.re2 import expression as module
from penstock._src.ops.strings.re2.expression import expression
from penstock._src.ops.strings.re2.rewriting import parsed
from penstock._src.ops.text.characters import regex_split

# Pattern, text, and from TensorFlow 2.21: all matches in brackets, the first in brackets, and whether all is matched.
RECORDED = [
    ("a|ab", b'ab abc', b'<a>b <a>bc', b'<a>b abc', False),
    ("ab|a", b'ab abc', b'<ab> <ab>c', b'<ab> abc', False),
    ("(a|ab)(c|bcd)", b'abcd', b'<abcd>', b'<abcd>', True),
    ("a+?", b'aaa', b'<a><a><a>', b'<a>aa', True),
    ("a??b", b'aab', b'a<ab>', b'a<ab>', False),
    ("x*", b'\xc3\xa9\xff\xc3', b'<>\xc3\xa9<>\xff<>\xc3<>', b'<>\xc3\xa9\xff\xc3', False),
    ("x*", b'\xed\xa0\x80', b'<>\xed\xa0\x80<>', b'<>\xed\xa0\x80', False),
    ("x*", b'\xf4\x90\x80\x80', b'<>\xf4<>\x90<>\x80<>\x80<>', b'<>\xf4\x90\x80\x80', False),
    (".", b'\xed\xa0\x80x', b'<\xed\xa0\x80><x>', b'<\xed\xa0\x80>x', False),
    (".", b'\xe0\x80\x80x', b'<\xe0\x80\x80><x>', b'<\xe0\x80\x80>x', False),
    (r"[\x{100}-\x{10FFFF}]", b'\xe0\x80\x80', b'\xe0\x80\x80', b'\xe0\x80\x80', False),
    (r"[^\x{D800}-\x{DFFF}]", b'\xed\xa0\x80a', b'\xed\xa0\x80<a>', b'\xed\xa0\x80<a>', False),
    (r"[^\pL]", b'\xed\xa0\x80\xe0\x80\x80', b'<\xed\xa0\x80>\xe0\x80\x80', b'<\xed\xa0\x80>\xe0\x80\x80', False),
    (r"\C", b'\xc3\xa9', b'<\xc3><\xa9>', b'<\xc3>\xa9', False),
    (r"\B", b'a\xc3\xa9\xc3\xa9', b'a\xc3<>\xa9<>\xc3\xa9<>', b'a\xc3<>\xa9\xc3\xa9', False),
    (r"\b", b'\xc3\xa9a b', b'\xc3\xa9<>a<> <>b<>', b'\xc3\xa9<>a b', False),
    ("(|a)*", b'aab', b'<>a<>a<>b<>', b'<>aab', False),
    ("(a|)*", b'aab', b'<aa>b<>', b'<aa>b', False),
    ("(|a)+", b'aab', b'<>a<>a<>b<>', b'<>aab', False),
    ("(?:$)*", b'aa', b'<>a<>a<>', b'<>aa', False),
    ("(?m)^|$", b'a\n\nb\n', b'<>a<>\n<>\n<>b<>\n<>', b'<>a\n\nb\n', False),
    ("(?m)^*", b'a\nb', b'<>a<>\n<>b<>', b'<>a\nb', False),
    ("$", b'a\n', b'a\n<>', b'a\n<>', False),
    ("^a", b'aa', b'<a>a', b'<a>a', False),
    (r"a\x00b", b'a\x00b\x00', b'<a\x00b>\x00', b'<a\x00b>\x00', False),
    ("", b'a\x00b', b'<>a<>\x00<>b<>', b'<>a\x00b', False),
    ("", b'', b'<>', b'<>', True),
    (r"(?i)\w", b'\xc5\xbfK-\xc3\xa9', b'<\xc5\xbf><K>-\xc3\xa9', b'<\xc5\xbf>K-\xc3\xa9', False),
    ("(?i)[[:^alpha:]]", b'\xc5\xbfK-s', b'\xc5\xbfK<->s', b'\xc5\xbfK<->s', False),
    (r"(?i)\W", b'\xc5\xbfK-s', b'\xc5\xbfK<->s', b'\xc5\xbfK<->s', False),
    (r"\p{Any}", b'\xff\xed\xa0\x80', b'\xff<\xed\xa0\x80>', b'\xff<\xed\xa0\x80>', False),
    ("(?s).+?", b'a\n\xff', b'<a><\n>\xff', b'<a>\n\xff', False),
    ("(?U)a+", b'aa', b'<a><a>', b'<a>a', True),
    (r"a\b.|\Bb", b'a-abb', b'<a->a<b><b>', b'<a->abb', False),
    ("a.*b|a", b'aaab a', b'<aaab> <a>', b'<aaab> a', False),
    (r"\xff", b'\xff\xc3\xbf', b'\xff<\xc3\xbf>', b'\xff<\xc3\xbf>', False),
]  # fmt: skip


@pytest.mark.parametrize("pattern, text, everywhere, first, is_full", RECORDED)
def test_matches_are_tensorflows(pattern, text, everywhere, first, is_full):
    assert expression(pattern).automaton(False) is not None
    assert tf.strings.regex_replace(text, pattern, r"<\0>").numpy() == everywhere
    assert tf.strings.regex_replace(text, pattern, r"<\0>", replace_global=False).numpy() == first
    assert bool(tf.strings.regex_full_match(text, pattern)) == is_full


# From TensorFlow 2.21.
@pytest.mark.parametrize(
    "pattern, rewrite, everywhere, first",
    [
        ("a", r"p\qr\0", b"xpyp", b"xaya"),
        ("a", "\\", b"xy", b"xaya"),
        ("b", r"\q", b"xaya", b"xaya"),
        ("a", r"\\\0", rb"x\ay\a", rb"x\aya"),
        ("a", r"\1", b"xaya", b"xaya"),
        ("a", r"\q\1", b"xaya", b"xaya"),
        ("(a)|y", r"[\1]", b"x[a][][a]", b"x[a]ya"),
        (r"(\w)y", r"\1\0", b"xaaya", b"xaaya"),
    ],
)
def test_rewrites_are_tensorflows(pattern, rewrite, everywhere, first):
    assert tf.strings.regex_replace("xaya", pattern, rewrite).numpy() == everywhere
    found = tf.strings.regex_replace("xaya", pattern, rewrite, replace_global=False)
    assert found.numpy() == first


ATOMS = st.sampled_from(
    ["a", "b", "é", "日", "k", r"\n", r"\x00", "[ab]", "[^a]", "[^é]", r"\d", r"\w", r"\W", r"\s", ".", r"\pL", "[[:^alpha:]]",
     r"[\x{80}-\x{10FFFF}]", r"\C", "^", "$", r"\b", r"\B", ""]
)  # fmt: skip
OPERATORS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"])


def _compound(inner):
    joined = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds("({}){}".format, inner, OPERATORS),
        st.builds("(?{}:{})".format, st.sampled_from(["", "i", "m", "s", "U"]), inner),
        joined.map("".join),
        joined.map("|".join).map("({})".format),
    )


PATTERNS = st.recursive(ATOMS, _compound, max_leaves=8)
STRINGS = st.lists(
    st.sampled_from(
        [*map(str.encode, "aabbkKéÉ日\n\x00 _1\u212a"), b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80"]
    ),
    max_size=10,
).map(b"".join)  # fmt: skip
ARRAYS = st.lists(STRINGS, min_size=1, max_size=4).map(lambda rows: np.array(rows, object))
REWRITES = st.sampled_from([b"", b"-", rb"<\0>", rb"\0\0", b"\xff", rb"<\1>\0", rb"\2|\1"])


@settings(deadline=None)
@given(PATTERNS, ARRAYS, REWRITES, st.booleans())
def test_automata_and_the_search_by_characters_agree(pattern, rows, rewrite, everywhere):
    known, rewriting = expression(pattern), parsed(rewrite)
    assume(rewriting.most <= known.groups)
    found, left = rewriting.native.replaced(
        rows, known.automaton(False), everywhere, known.program()
    )
    assert left == 0
    wanted = regex.searched(known, rows, rewriting, everywhere)
    assert found.tolist() == wanted.tolist()
    full = automata.matched(rows, known.automaton(True))
    readings = [known.reading(row) for row in rows]
    assert full.tolist() == [reader.matches(text) for reader, text, _ in readings]


@settings(deadline=None)
@given(PATTERNS, PATTERNS, ARRAYS)
def test_strings_are_cut_alike_by_automata_and_by_characters(pattern, kept, rows):
    delimiter, keep = expression(pattern), expression(kept)
    parts = automata.split(rows, delimiter.automaton(False), keep.automaton(True))
    _, begins, ends, splits = regex_split.searched(rows, delimiter, keep)
    np.testing.assert_array_equal(parts.begins, begins)
    np.testing.assert_array_equal(parts.ends, ends)
    np.testing.assert_array_equal(parts.splits, splits)


def test_strings_that_take_many_steps_are_searched_otherwise():
    rows = np.array([b"a" * 3_000 + b"c", b"aab", b"", b"a" * 3_000 + b"b"], object)
    known = expression("(?:a|aa)*b")
    found, left = parsed(b"-").native.replaced(rows, known.automaton(False), True)
    assert (found.tolist(), left) == ([None, b"-", b"", b"-"], 1)
    replaced = tf.strings.regex_replace(rows, "(?:a|aa)*b", "-").numpy()
    assert replaced.tolist() == [rows[0], b"-", b"", b"-"]
    cut = tf.text.regex_split(rows, "(?:a|aa)*b", "(?:a|aa)*b").to_list()
    assert cut == [[rows[0]], [b"aab"], [], [rows[3]]]


def test_a_pattern_of_too_many_states_has_no_automaton():
    start = time.process_time()
    pattern = "(a|b)*a(a|b){14}"
    assert expression(pattern).automaton(False) is None
    assert time.process_time() - start < 5
    replaced = tf.strings.regex_replace([b"b" + b"a" * 15 + b"c", b"b"], pattern, "-")
    assert replaced.numpy().tolist() == [b"-c", b"b"]


def test_without_native_code_texts_are_searched(monkeypatch):
    monkeypatch.setattr(module, "runs_native_code", lambda: False)
    rows = np.array([b"a1 b", b"\xff2"], object)
    assert tf.strings.regex_replace(rows, r"\d|[^a-z]", "-").numpy().tolist() == [b"a--b", b"\xff-"]
    assert tf.strings.regex_full_match(rows, r"\w\d \w").numpy().tolist() == [True, False]
    assert tf.text.regex_split(rows, r"\s").to_list() == [[b"a1", b"b"], [b"\xff2"]]


def test_many_rows_of_a_view():
    rows = np.array([[b"a1", b"x"], [b"22", b"y"]] * 50, object)[:, 0]
    assert tf.strings.regex_replace(rows, r"\d+", "").numpy().tolist() == [b"a", b""] * 50
    assert tf.strings.regex_full_match(rows, r"\d+").numpy().tolist() == [False, True] * 50
