"""Vocabularies and matrices of checkpoints in new places, against values and errors of TensorFlow."""

import numpy as np
import pytest

import penstock as tf

M = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def remapped(tmp_path):
    (tmp_path / "new").write_text("a\nb\nc\nd\n")
    (tmp_path / "old").write_text("d\nx\nb\n")
    (tmp_path / "twice").write_text("a\na\n")

    def run(new="new", old="old", **options):
        options = {"new_vocab_offset": 0, "num_new_vocab": 4, **options}
        paths = {"new_vocab_file": str(tmp_path / new), "old_vocab_file": str(tmp_path / old)}
        return [t.numpy().tolist() for t in tf.raw_ops.GenerateVocabRemapping(**paths, **options)]

    return run


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[-1, 2, -1, 0], 2]),
        ({"new_vocab_offset": 1, "num_new_vocab": 2}, [[2, -1], 1]),
        ({"old_vocab_size": 1}, [[-1, -1, -1, 0], 1]),
        ({"num_new_vocab": 0}, [[], 0]),
    ],
)
def test_places_in_the_old_vocabulary(remapped, options, expected):
    assert remapped(**options) == expected


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_new_vocab": 5}, "InvalidArgumentError", "larger than last new vocab entry's line"),
        ({"old_vocab_size": 9}, "InvalidArgumentError", "expected 9 but got 3"),
        ({"old": "twice"}, "FailedPreconditionError", "Key a has 0 and trying to add value 1"),
        ({"old": "none"}, "NotFoundError", "No such file"),
    ],
)
def test_refused_vocabularies(remapped, options, error, message):
    with pytest.raises(getattr(tf.errors, error), match=message):
        remapped(**options)


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("remap") / "checkpoint")
    tf.raw_ops.SaveV2(
        prefix=path, tensor_names=["m", "v"], shape_and_slices=["", ""], tensors=[M, M[0]]
    )

    def run(rows=(2, -1, 0), columns=(), values=(100.0, 101.0, 102.0), cols=3, name="m", count=3):
        return (
            tf.raw_ops.LoadAndRemapMatrix(
                ckpt_path=path,
                old_tensor_name=name,
                row_remapping=np.array(rows, np.int64),
                col_remapping=np.array(columns, np.int64),
                initializing_values=np.array(values, np.float32),
                num_rows=count,
                num_cols=cols,
            )
            .numpy()
            .tolist()
        )

    return run


def test_rows_and_columns_move(load):
    assert load() == [[6, 7, 8], [100, 101, 102], [0, 1, 2]]
    assert load(columns=(1, -1), values=(9, 8, 7, 6), cols=2) == [[7, 9], [8, 7], [1, 6]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"values": [1.0]}, "InvalidArgumentError", "but more missing values remain"),
        ({"values": [1.0] * 5}, "InvalidArgumentError", "but only 3 elements were used"),
        ({"count": 2}, "InvalidArgumentError", "instead of being equal to num_rows=2"),
        ({"columns": (0, 1)}, "InvalidArgumentError", "instead of being equal to num_cols=3"),
        ({"rows": (2, -1, 2)}, "UnimplementedError", "Old ID 2 is mapped to both new ID 0 and 2"),
        ({"rows": (2, -1, 9)}, "InternalError", "Extent in dimension 0 out of bounds"),
        ({"name": "v"}, "InvalidArgumentError", "instead of expected shape of rank 2"),
        ({"name": "z"}, "NotFoundError", "Key z not found in checkpoint"),
    ],
)
def test_refused_matrices(load, options, error, message):
    with pytest.raises(getattr(tf.errors, error), match=message):
        load(**options)
