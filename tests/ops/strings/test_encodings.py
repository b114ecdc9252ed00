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
        ("windows-1253", b"\xe1\xaa", [0x3B1, 0xAA]),
        ("windows-1255", b"\xe0", [0x5D0]),
        ("windows-1257", b"\xe0", [0x105]),
        ("windows-874", b"\xa1\xfc", [0xE01, 0xF8C5]),
        ("IBM037", b"\xc1", [0x41]),
        ("csASCII", b"A", [0x41]),
        ("x-utf-16le", b"A\0", [0x41]),
    ],
)
def test_bytes_of_legacy_encodings_are_those_of_icu(encoding, row, expected):
    assert points(encoding, row)[1] == expected


@pytest.mark.parametrize(
    "encoding, row, expected",
    [
        ("GBK", b"\x81\x40\xa2\xe3", [0x4E02, 0xE76C]),
        ("gb2312", b"\xb0\xa1\xa2\xa1\x81", [0x554A, 0xE000, 0x81]),
        ("GB18030", b"\xa8\xbc\x81\x35\xf4\x37\x90\x30\x81\x30", [0x1E3F, 0xE7C7, 0x10000]),
        ("Shift_JIS", b"\x87\x40\x81\x60\x81\xad", [0x2460, 0xFF5E, 0xFFFD]),
        ("ibm-943", b"\x81\x60", [0x301C]),
        ("EUC-JP", b"\x8e\xe0\x8f\xa2\xb7\x8f\xb0\xa1\xa1\xc1", [0xA2, 0xFF5E, 0x4E02, 0xFF5E]),
        ("Big5", b"\xa4\xa4\x81\x40", [0x4E2D, 0xEEB8]),
        ("EUC-KR", b"\xb0\xa1\xc9\xa1", [0xAC00, 0xE000]),
        ("windows-949", b"\x81\x41\xfe\xa1", [0xAC02, 0xE05E]),
    ],
)
def test_pairs_of_bytes_are_the_characters_of_icu(encoding, row, expected):
    assert points(encoding, row)[1] == expected


@pytest.mark.parametrize(
    "encoding, row, found, begins",
    [
        ("GBK", b"\x81\x30A", [0xFFFD, 0x30, 0x41], [0, 1, 2]),
        ("GB18030", b"\x81\x30A", [0xFFFD, 0x30, 0x41], [0, 1, 2]),
        ("GB18030", b"A\x81\x30\x81", [0x41, 0xFFFD], [0, 1]),
        ("EUC-JP", b"\x8f\xa1A", [0xFFFD, 0xFFFD, 0x41], [0, 1, 2]),
        ("EUC-JP", b"\x8e\xe5\xa4\xa2", [0xFFFD, 0x7D0A, 0xFFFD], [0, 1, 3]),
        ("EUC-KR", b"\xad\xa1A\xb0", [0xFFFD, 0x41, 0xFFFD], [0, 2, 3]),
    ],
)
def test_malformed_pairs_end_where_icu_ends_them(encoding, row, found, begins):
    assert points(encoding, row)[1:] == [found, begins]


PAIRS = b"\x1b$B"


@pytest.mark.parametrize(
    "row, points, begins",
    [
        (PAIRS + b"!A!]-!\x1b(Ba", [0xFF5E, 0xFF0D, 0x2460, 0x61], [0, 5, 7, 9]),  # as in EUC-JP
        (b"\x1b(J\\~\n\\", [0xA5, 0x203E, 0x0A, 0xA5], [0, 4, 5, 6]),
        (b"\x1b(I1a\n1", [0xFF71, -1, 0x0A, 0x31], [0, 4, 5, 6]),
        (PAIRS + b"&-\n&-", [0x39D, 0x0A, 0x26, 0x2D], [0, 5, 6, 7]),
        (PAIRS + b"&", [-1], [0]),
        (PAIRS + b"\xe6&-", [-1, 0x39D], [0, 4]),
        (PAIRS + b"&\xe6&-", [-1, 0x39D], [0, 5]),
        (PAIRS + b"&\x0e&-", [-1, -1, 0x39D], [0, 4, 5]),
        (PAIRS + b"&\x1b(Ba", [-1, 0x61], [0, 4]),
        (PAIRS + b"&-\x1b(X&-", [0x39D, -1, -1, 0x39D], [0, 5, 6, 8]),
        (b"\x1b$(D&-", [-1, 0x26, 0x2D], [0, 4, 5]),  # of another variant of ISO 2022
        (PAIRS + b"\x1b(Ba", [-1, 0x61], [0, 6]),  # nothing is between the two
        (b"a\x1b(", [0x61, -1], [0, 1]),
        (PAIRS + b"&-\x1b(B", [0x39D, 0xFFFF], [0, 5]),
    ],
)
def test_escape_sequences_of_iso_2022_jp_are_those_of_icu(row, points, begins):
    found = tf.strings.unicode_decode_with_offsets(row, "ISO-2022-JP")
    assert found[0].numpy().tolist() == [0xFFFD if point == -1 else point for point in points]
    assert found[1].numpy().tolist() == begins


def test_a_byte_order_mark_alone_is_the_noncharacter_of_tensorflow():
    for encoding, mark in (
        ("UTF-16", b"\xff\xfe"),
        ("UTF-16", b"\xfe\xff"),
        ("UTF-32", b"\xff\xfe\0\0"),
    ):
        assert tf.strings.unicode_decode(mark, encoding).numpy().tolist() == [0xFFFF]


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
