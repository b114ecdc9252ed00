"""tf.data.experimental.CsvDataset: rows and errors as TensorFlow 2.21 gives them, in single elements and in batches."""

import pytest

import penstock as tf

UNCLOSED = "Reached end of file without closing quoted field"
NOT_ESCAPED = "Quote inside a string has to be escaped"
UNQUOTED = "Unquoted fields cannot have quotes inside"


def rows_of(path, text, defaults, **options):
    path.write_bytes(text.encode())
    found, rows = [], iter(tf.data.experimental.CsvDataset(str(path), defaults, **options))
    while True:
        try:
            row = next(rows, None)
        except tf.errors.InvalidArgumentError as error:
            found.append(error.message)
            continue
        if row is None:
            return found
        found.append(tuple(value.numpy() for value in row))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,a\n2,b\n", [(1, b"a"), (2, b"b")]),
        ("1,a\r\n2,b", [(1, b"a"), (2, b"b")]),
        ("1,a\r2,b\r", [(1, b"a"), (2, b"b")]),
        ('1,"a\nb"\n2,"c""d"\n', [(1, b"a\nb"), (2, b'c"d')]),
        (" 1,a\n", [(1, b"a")]),
        ("1,\r\n2,", [(1, b""), (2, b"")]),
        ("1,a\n\n2,b\n", [(1, b"a"), "Field 0 is required but missing", (2, b"b")]),
        ('1,"a\n', [UNCLOSED]),
        ('1,a"b,zz\n2,c\n', [UNQUOTED, (2, b"c")]),
        ('1,"a"b\n2,c\n', [UNCLOSED]),
        ('1,"a"x",q\n2,c\n', [NOT_ESCAPED, (2, b"c")]),
        ('1,"a\n2,b\n3,"c"\n4,d\n', [NOT_ESCAPED, (4, b"d")]),
        ("x,y,z\n2,c\n", ["Field 0 in record is not a valid int32: x", (2, b"c")]),
        ("1\n2,b\n", ["Expect 2 fields but have 1 in record", (2, b"b")]),
        ("1,a,z\n2,b\n", ["Expect 2 fields but have more in record", (2, b"b")]),
        ("3000000000,a\n", ["Field 0 in record is not a valid int32: 3000000000"]),
    ],
)
def test_rows_and_errors(tmp_path, text, expected):
    found = rows_of(tmp_path / "a.csv", text, [tf.int32, ""])
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert row == wanted if isinstance(wanted, tuple) else wanted in row


def test_a_header_is_skipped(tmp_path):
    path = tmp_path / "a.csv"
    assert rows_of(path, "h,b\r\n1,2\n", [0, 0], header=True) == [(1, 2)]
    assert rows_of(path, "", [0], header=True) == ["Can't read header of file"]
    found = rows_of(path, 'a"h,b\n1,2\n', [0, 0], header=True)
    assert found == ["Can't read header of file", (1, 2)]


def test_selected_columns_of_longer_records(tmp_path):
    path = tmp_path / "a.csv"
    found = rows_of(path, "1,2,3\n4\n5,6,7\n", [0], select_cols=[1])
    assert found == [(2,), "Expect 1 fields but have 0 in record", (6,)]
    assert rows_of(path, "1,2,3\n", [0], exclude_cols=[0, 1]) == [(3,)]


def test_records_longer_than_what_is_read_at_once(tmp_path):
    long = "x" * 700_000
    text = f'1,"{long}\n{long}"\n2,b\n' + "3,c\n" * 100_000
    found = rows_of(tmp_path / "a.csv", text, [0, ""])
    assert found[0][1] == f"{long}\n{long}".encode() and found[1] == (2, b"b")
    assert len(found) == 100_002


def test_batches_hold_the_same_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{i},{i / 4},w{i}\n" for i in range(20_000)))
    dataset = tf.data.experimental.CsvDataset([str(path)] * 2, [0, 0.0, ""])
    batches = list(dataset.batch(96).as_numpy_iterator())
    assert [len(b[0]) for b in batches[:-1]] == [96] * (40_000 // 96)
    rows = list(dataset.as_numpy_iterator())
    assert [tuple(r) for b in batches for r in zip(*b, strict=True)] == rows
    assert len(list(dataset.batch(96, drop_remainder=True))) == 40_000 // 96


def test_an_error_takes_the_place_of_its_batch(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1\n2\n3\nx\n5\n6\n7\n")
    batches = iter(tf.data.experimental.CsvDataset(str(path), [0]).batch(2))
    assert next(batches)[0].numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a valid int32: x"):
        next(batches)
    assert [b[0].numpy().tolist() for b in batches] == [[5, 6], [7]]


def test_a_delimiter_is_one_character(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="field_delim should be only 1 char"):
        tf.data.experimental.CsvDataset(str(tmp_path / "a"), [0], field_delim="ab")


def test_defaults_of_higher_rank_are_refused_when_a_graph_is_built():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="at most rank 1 but is rank 2"):
        tf.data.experimental.CsvDataset("none.csv", [tf.constant([[0]])])
