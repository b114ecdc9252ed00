"""Columns that native code reads, beside the records that Python reads one by one."""

import csv
import io
import random

import numpy as np
import pytest

import penstock as tf
from penstock._src.native.readers import csv as native
from penstock._src.native.readers.rows import FULL
from penstock._src.ops.csv import columns, records

DEFAULTS = [np.zeros(1, np.int64), np.zeros(1, np.float64), np.array([b"-"], object)]


def form(quotes=True, chosen=(), dropped=()):
    return columns.Columns(DEFAULTS, b",", quotes, b"NA", chosen, dropped)


def refuse(row, column, field):
    raise AssertionError(f"{field!r} is read by other means")


def test_lines_are_read_as_a_writer_wrote_them():
    drawn = random.Random(3)
    texts = ["", "a", 'a"b', "c,d", "e\nf", "é", '""', "x" * 40]
    rows = [(drawn.randrange(-99, 99), drawn.random(), drawn.choice(texts)) for _ in range(200)]
    for ending in ("\n", "\r\n"):
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator=ending).writerows(rows)
        data = file.getvalue().encode()
        read = form().lines(data, 0, True, 500)
        assert (len(read.table), read.end, read.stopped) == (200, len(data), FULL)
        found = form().values(
            data, read.table, lambda _, column, text: text if column == 2 else float(text)
        )
        assert found[0].tolist() == [row[0] for row in rows]
        assert found[1].tolist() == [row[1] for row in rows]
        assert found[2].tolist() == [(row[2] or "-").encode() for row in rows]


@pytest.mark.parametrize("cut", range(1, 21))
def test_records_that_go_on_after_the_data_wait(cut):
    data = b'1,2,"a\r\nb"\r\n3,4,cd\r\n'
    read = form().lines(data[:cut], 0, False, 9)
    whole = sum(cut >= end for end in (12, 20))
    assert (len(read.table), read.stopped == native.CUT) == (whole, cut not in (12, 20))


def test_it_stops_at_a_malformed_record():
    for wrong in (b'1,2,a"b\n', b"1,2\n", b"1,2,3,4\n", b'1,"2"3,4\n'):
        read = form().lines(b"1,2,a\n" + wrong + b"3,4,b\n", 0, True, 9)
        assert (len(read.table), read.end, read.stopped) == (1, 6, native.MALFORMED)


def test_fields_are_left_out():
    data = b"a,1,b,2,c\n"
    for options in (dict(chosen=(1, 3, 4)), dict(dropped=(0, 2))):
        picked = form(**options)
        table = picked.lines(data, 0, True, 9).table
        assert [c[0] for c in picked.values(data, table, refuse)] == [1, 2.0, b"c"]


def test_whole_numbers_to_their_limits():
    limits = [2**63 - 1, -(2**63), 0, -1, 999999999999999999]
    data = b"".join(b"%d,0,\n" % number for number in limits)
    table = form().lines(data, 0, True, 9).table
    assert form().values(data, table, refuse)[0].tolist() == limits
    for beyond in (2**63, -(2**63) - 1, 10**30):
        table = form().lines(b"%d,0,\n" % beyond, 0, True, 9).table
        with pytest.raises(AssertionError, match=str(beyond)):
            form().values(b"%d,0,\n" % beyond, table, refuse)


def test_doubles_are_rounded_as_python_rounds_them():
    drawn = random.Random(5)
    texts = [
        f"{drawn.uniform(-1, 1) * 10 ** drawn.randrange(-8, 8):.{drawn.randrange(12)}f}"
        for _ in range(300)
    ]
    texts += ["-0", "1e22", "1E-22", "9007199254740992", ".5", "5.", "+3.25", " 7 ", "-0.0e5"]
    data = "".join(f"0,{text},\n" for text in texts).encode()
    table = form().lines(data, 0, True, 999).table
    slow = []

    def by_python(row, column, field):
        slow.append(field)
        return float(field)

    found = form().values(data, table, by_python)[1]
    expected = np.array([float(text) for text in texts])
    assert found.tobytes() == expected.tobytes() and len(slow) < 30


def test_floats_are_rounded_once():
    # The nearest double lies in the middle of two floats.
    text = "1.0000000596046447753906250000001"
    (found,) = tf.io.decode_csv([text] * 8, [tf.constant([], tf.float32)])
    assert found.numpy().tolist() == [float(np.nextafter(np.float32(1), np.float32(2)))] * 8
    (tiny,) = tf.io.decode_csv(["1e-45"] * 8, [tf.constant([], tf.float32)])
    assert tiny.numpy()[0] == np.float32(1e-45)


@pytest.mark.parametrize(
    "text", [b"1,a\n2,b", b'1,"a\nb"\n', b'"a""b",c\r\nd,\r', b",\n\n", b"a\r\nb"]
)
def test_python_reads_the_same_records(text):
    at, found = 0, []
    while at < len(text):
        record = records.read_record(text, at, b",", True, True)
        found.append([field.decode() for field in record.fields])
        at = record.end
    expected = [row or [""] for row in csv.reader(io.StringIO(text.decode(), newline=""))]
    assert found == expected
