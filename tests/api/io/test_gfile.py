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


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*.csv", ["./a.csv"]),
        ("a*", ["./a.csv"]),
        ("*/*.csv", ["./d/c.csv"]),
        ("./*.csv", ["./a.csv"]),
        ("d/*", ["d/c.csv"]),
        ("a.csv", ["a.csv"]),
    ],
)
def test_paths_of_patterns_begin_as_in_tensorflow(pattern, paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("a.csv", "d/c.csv"):
        (tmp_path / name).touch()
    assert tf.io.gfile.glob(pattern) == paths
    assert [p.decode() for p in tf.io.matching_files(pattern).numpy()] == paths
    assert [p.numpy().decode() for p in tf.data.Dataset.list_files(pattern)] == paths


def test_lines_of_files_are_without_carriage_returns(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"a\rb\r\nc\r\r\n\rd")
    with tf.io.gfile.GFile(str(path), "rb") as file:
        assert (file.readline(), file.read(1), file.readlines()) == (b"ab\n", b"c", [b"\n", b"d"])
    with tf.io.gfile.GFile(str(path)) as file:
        assert list(file) == ["ab\n", "c\n", "d"]
