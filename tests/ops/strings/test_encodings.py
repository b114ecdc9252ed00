"""Characters in encodings other than UTF-8. Expected values: TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf


def points(encoding, *rows, **options):
    found = tf.raw_ops.UnicodeDecodeWithOffsets(
        input=list(rows), input_encoding=encoding, **options
    )
    return [x.numpy().tolist() for x in found]


@pytest.mark.parametrize(
    "encoding, row, expected",
    [
        ("WINDOWS-1252", b"\x80\x81\xe9", [0x20AC, 0x81, 0xE9]),
        ("windows-1251", b"\xcf\x98", [0x41F, 0x98]),
        ("ISO_8859-15", b"\xa4", [0x20AC]),
        ("latin2", b"\xb1\x01", [0x105, 1]),
        ("ISO-8859-7", b"\xe1\xae", [0x3B1, 0xFFFD]),
        ("IBM866", b"\x80\x1a\x1c\x7f", [0x410, 0x1C, 0x7F, 0x1A]),
        ("cp437", b"\xe6\xe1", [0x3BC, 0xDF]),
        ("macintosh", b"\x80", [0xC4]),
        ("EUC-KR", b"\x82\x8eA", [0x82, 0xFFFD, 0x41]),
        ("SHIFT-JIS", b"\x1a\x82\xa0", [0x1C, 0x3042]),
    ],
)
def test_bytes_of_legacy_encodings_are_those_of_icu(encoding, row, expected):
    assert points(encoding, row)[1] == expected


def test_half_of_a_pair_in_utf_16_does_not_swallow_the_next_character():
    splits, found, begins = points(
        "UTF-16-BE", b"\xd8\x00\x30\x41", b"\xd8\x3d\xde\x00\x00", b"\xd8\x00\x30"
    )
    assert splits == [0, 2, 4, 5]
    assert found == [0xFFFD, 0x3041, 0x1F600, 0xFFFD, 0xFFFD]
    assert begins == [0, 2, 0, 4, 0]


def test_each_row_of_utf_16_has_its_own_byte_order_mark():
    splits, found, begins = points("UTF-16", b"\xff\xfeA\0B\0", b"\xfe\xff\0A\0B", b"\0A")
    assert splits == [0, 2, 4, 5]
    assert found == [65, 66, 65, 66, 65]
    assert begins == [0, 4, 0, 4, 0]


def test_bytes_after_a_malformed_character_are_read_again():
    assert points("GB18030", b"\x81\x05A")[1] == [0xFFFD, 5, 65]
    assert points("GB18030", b"\x81\x05A", errors="ignore")[1] == [5, 65]


def test_many_strings_are_transcoded_and_controls_replaced():
    rows = np.array([[b"caf\xe9", b""], [b"\x07x", b"\xff"]], object)
    changed = tf.strings.unicode_transcode(
        rows, "ISO-8859-1", "UTF-16-BE", replacement_char=63, replace_control_characters=True
    )
    expected = [
        ["café".encode("utf-16-be"), b""],
        ["?x".encode("utf-16-be"), "ÿ".encode("utf-16-be")],
    ]
    assert changed.numpy().tolist() == expected
