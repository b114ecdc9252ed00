"""Files and folders by tf.io.gfile. As in TensorFlow 2.21."""

import pytest

import penstock as tf


def test_rmtree_deletes_files_too(tmp_path):
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    tf.io.gfile.rmtree(str(tmp_path / "folder"))
    tf.io.gfile.rmtree(str(tmp_path / "file"))
    assert not any(tmp_path.iterdir())
    with pytest.raises(tf.errors.NotFoundError):
        tf.io.gfile.rmtree(str(tmp_path / "file"))
