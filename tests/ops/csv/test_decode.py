"""tf.io.decode_csv: what TensorFlow 2.21 gives, for a few records and for many."""

import pytest

import penstock as tf

MANY = 8  # from here on native code reads them


def decoded(record, defaults, **options):
    return [c.numpy().tolist() for c in tf.io.decode_csv([record] * MANY, defaults, **options)]


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ("a,b", [b"a", b"b"]),
        ('"a","b"', [b"a", b"b"]),
        ('"a""b",c', [b'a"b', b"c"]),
        ('"a\nb",c', [b"a\nb", b"c"]),
        (",", [b"x", b"y"]),
        ('"",""', [b"x", b"y"]),
    ],
)
def test_fields(record, fields):
    assert decoded(record, ["x", "y"]) == [[field] * MANY for field in fields]
    one = tf.io.decode_csv(record, ["x", "y"])
    assert [c.numpy() for c in one] == fields


@pytest.mark.parametrize(
    ("record", "defaults", "message"),
    [
        ('a"b,c', ["", ""], "Unquoted fields cannot have quotes/CRLFs inside"),
        ("a\nb,c", ["", ""], "Unquoted fields cannot have quotes/CRLFs inside"),
        ('"a"b,c', ["", ""], "Quote inside a string has to be escaped by another quote"),
        ('"a,c', ["", ""], "Quoted field has to end with quote followed by delim or end"),
        ("", ["", ""], "Expect 2 fields but have 0 in record 0"),
        ("a,b,c", ["", ""], "Expect 2 fields but have 3 in record 0"),
        ("1.0", [0], "Field 0 in record 0 is not a valid int32: 1.0"),
        ("2147483648", [0], "Field 0 in record 0 is not a valid int32: 2147483648"),
        ("1_0", [0.0], "Field 0 in record 0 is not a valid float: 1_0"),
        (",1", [tf.constant([], tf.int64), 0], "Field 0 is required but missing in record 0!"),
    ],
)
def test_what_is_refused(record, defaults, message):
    for records in ([record], [record] * MANY):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message.replace("!", ".")):
            tf.io.decode_csv(records, defaults)


def test_the_first_record_that_is_wrong_is_named():
    records = ["1,2"] * 5 + ["1,x", "y,2"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Field 1 in record 5 .*: x"):
        tf.io.decode_csv(records, [0, 0])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 1.5 ", 1.5),
        ("0x10", 16.0),
        ("0X1P-3", 0.125),
        ("-inf", float("-inf")),
        ("1e400", float("inf")),
    ],
)
def test_numbers_in_other_notation(text, number):
    assert decoded(text, [tf.constant([], tf.float64)]) == [[number] * MANY]
