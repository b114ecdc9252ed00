"""Matrices of checkpoints loaded for new words; expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.training import checkpoint_ops

v1 = tf.compat.v1


def minus_one(shape, dtype=tf.float32):
    """Constant initializers take no tensors as extents."""
    return tf.fill(shape, tf.cast(-1, dtype))


@pytest.fixture
def saved(tmp_path):
    (tmp_path / "old").write_text("a\nb\nc\nd\n")
    (tmp_path / "new").write_text("d\nx\na\n")
    with tf.Graph().as_default(), v1.Session() as session:
        matrix = v1.get_variable("m", initializer=np.arange(8, dtype=np.float32).reshape(4, 2))
        session.run(matrix.initializer)
        path = v1.train.Saver([matrix]).save(session, str(tmp_path / "model"))
    return path, str(tmp_path / "old"), str(tmp_path / "new")


def test_rows_follow_their_words(saved):
    path, old, new = saved
    load = checkpoint_ops._load_embedding_initializer(
        path, "m", 3, 2, old, new, num_oov_buckets=1, initializer=minus_one
    )
    assert load([4, 2]).numpy().tolist() == [[6, 7], [-1, -1], [0, 1], [-1, -1]]


def test_parts_of_a_variable_load_their_rows(saved):
    path, old, new = saved
    load = checkpoint_ops._load_embedding_initializer(
        path, "m", 3, 2, old, new, num_oov_buckets=1, initializer=minus_one
    )
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("s", partitioner=v1.fixed_size_partitioner(2)):
            whole = tf.convert_to_tensor(v1.get_variable("e", [4, 2], initializer=load))
        session.run(v1.global_variables_initializer())
        assert session.run(whole).tolist() == [[6, 7], [-1, -1], [0, 1], [-1, -1]]


@pytest.mark.parametrize(
    "shape, error, message",
    [
        ([3], ValueError, "Expected 2-dim shape"),
        ([3, 4], ValueError, "Expected 2nd dim of shape"),
        ([0, 2], ValueError, "Expected 1st dim"),
        ([9, 2], ValueError, "Trying to initialize 9 additional rows after 0 rows"),
    ],
)
def test_impossible_shapes_are_refused(saved, shape, error, message):
    path, old, new = saved
    load = checkpoint_ops._load_embedding_initializer(path, "m", 3, 2, old, new)
    with pytest.raises(error, match=message):
        load(shape)


def test_vocabularies_come_in_pairs():
    with pytest.raises(ValueError, match="both be specified or left unspecified"):
        checkpoint_ops._load_and_remap_matrix(
            "ckpt", "m", 0, 4, 3, minus_one, old_row_vocab_file="old"
        )
    with pytest.raises(ValueError, match="num_row_oov_buckets must be >= 0"):
        checkpoint_ops._load_and_remap_matrix(
            "ckpt", "m", 0, 4, 3, minus_one, num_row_oov_buckets=-1
        )
