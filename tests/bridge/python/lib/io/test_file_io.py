"""Whole files by `tensorflow.python.lib.io.file_io`."""

import pytest

import penstock as tf
from penstock._src.bridge.python.lib.io import file_io


def test_files_are_written_and_read_whole(tmp_path):
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    file_io.write_string_to_file(first, "text")
    file_io.atomic_write_string_to_file(second, b"text")
    assert file_io.read_file_to_string(first) == "text"
    assert file_io.read_file_to_string(second, binary_mode=True) == b"text"
    assert file_io.filecmp(first, second)
    with pytest.raises(tf.errors.AlreadyExistsError):
        file_io.atomic_write_string_to_file(first, "other", overwrite=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
