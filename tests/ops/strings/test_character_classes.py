"""Patterns that are a class of ASCII characters are replaced byte by byte; all others as before."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("pattern", "rewrite", "text", "expected"),
    [
        ("[,!.]", "", "a,b!c.", "abc"),
        ("[,!]+", "", "a,!b", "ab"),
        ("[,!]+", "-", "a,!b", "a-b"),
        ("[,!]", "-", "a,!b", "a--b"),
        (r"\s", "_", "a b\tc", "a_b_c"),
        (r"[\d,]", "", "üé,5", "üé"),
        (r"[\D]", "", "üé,5", "5"),
        ("[ü,]", "", "üé,", "é"),
        ("[,-ü]", "", "+üé,", "+"),
        ("[^a]", "", "aéb", "a"),
        ("(?i)[x]", "", "aXb", "ab"),
        ("[.]", r"\0\0", "a.b", "a..b"),
        ("[a-b]", "é", "ab", "éé"),
    ],
)
def test_replacements_of_tensorflow(pattern, rewrite, text, expected):
    found = tf.strings.regex_replace([text], pattern, rewrite)
    assert found.numpy()[0].decode() == expected


def test_only_the_first():
    found = tf.strings.regex_replace("abab", "[a-b]", "", replace_global=False)
    assert found.numpy() == b"bab"
