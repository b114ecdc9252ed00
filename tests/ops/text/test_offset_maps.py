"""Maps of offsets: which parts of a text a normalization form changes, as recorded from tensorflow-text."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("form", "source", "sources"),
    [
        ("NFD", "a\u0301\u0323b", [0, 1, 5, 5, 5, 5, 6]),
        ("NFD", "\u00c5A\u030a\u0323", [0, 2, 2, 2, 3, 7, 7, 7, 7]),
        ("NFD", "\u0301\u0344", [0, 4, 4, 4, 4, 4, 4, 4]),
        ("NFC", "\u1100\u1161\u11a8\u0301", [0, 9, 9, 9, 10, 11]),
        ("NFC", "a\u0323\u0301", [0, 5, 5, 5, 5, 5]),
        ("NFC", "\u00df\u0344", [0, 1, 2, 4, 4, 4, 4, 4]),
        ("NFC", "a\u0f73", [0, 4, 4, 4, 4, 4, 4, 4, 4]),
        ("NFKC", "in ASCII, e\u0301", [*range(11), 13, 13]),
    ],
)
def test_parts_that_change(form, source, sources):
    _, offsets_map = tf.text.normalize_utf8_with_offsets_map([source], form)
    places = [list(range(len(sources)))]
    assert tf.text.find_source_offsets(offsets_map, places).numpy().tolist() == [sources]
