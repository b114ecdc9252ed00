"""Files that change together, and what is found after a process was killed at any point between."""

import json
import os
import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.filesystems import files, transaction
from penstock._src.filesystems.transaction import Transaction, recover, tidy
from penstock._src.filesystems.whole import write_whole

NEW = ".new-00000000-1-00000000"


def _write(folder, text):
    with Transaction(f"{folder}/thing") as both:
        for name in ("one", "two", "three"):
            with both.open(f"{folder}/{name}") as file:
                file.write(text)


def _contents(folder):
    return [files.read(f"{folder}/{name}") for name in ("one", "two", "three")]


def test_all_files_change(folder):
    files.make_folders(folder)
    _write(folder, b"old")
    _write(folder, b"new")
    assert _contents(folder) == [b"new"] * 3
    assert sorted(files.names(folder)) == ["one", "three", "two"]


def test_an_error_leaves_everything_as_it_was(folder):
    files.make_folders(folder)
    _write(folder, b"old")
    with pytest.raises(ZeroDivisionError), Transaction(f"{folder}/thing") as both:
        with both.open(f"{folder}/one") as file:
            file.write(b"new")
        raise ZeroDivisionError
    assert _contents(folder) == [b"old"] * 3
    assert sorted(files.names(folder)) == ["one", "three", "two"]


@pytest.mark.parametrize("renames", range(5))
def test_a_process_killed_while_it_renames_is_helped(tmp_path, monkeypatch, renames):
    _write(tmp_path, b"old")
    done = 0

    class Killed(BaseException):
        pass

    def rename(source, target):
        nonlocal done
        if done == renames:
            raise Killed
        done += 1
        os.replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(transaction.files, "rename", rename)
        try:
            _write(tmp_path, b"new")
        except Killed:
            assert transaction.record_of(f"{tmp_path}/thing") == f"{tmp_path}/.thing.commit"
    recover(f"{tmp_path}/thing")
    assert _contents(tmp_path) == [b"new"] * 3
    assert sorted(os.listdir(tmp_path)) == ["one", "three", "two"]


def test_what_a_dead_process_left_is_removed(tmp_path):
    program = "import sys; from penstock._src.util.files.whole import temporary_path; print(temporary_path(sys.argv[1]))"
    left = subprocess.check_output([sys.executable, "-c", program, str(tmp_path / "x")], text=True)
    write_whole(left.strip(), b"half")
    with Transaction(str(tmp_path / "mine")) as own:
        with own.open(str(tmp_path / "file")) as file:
            file.write(b"whole")
        tidy(str(tmp_path))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "pair", [["../old", "new"], [NEW, "../new"], ["/old", "new"], [NEW, "link/new"], ["old", "new"]]
)
def test_a_record_renames_nothing_else(tmp_path, pair):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    for place in (folder, tmp_path):
        for name in (NEW, "old"):
            (place / name).write_text("kept")
    (folder / ".thing.commit").write_text(json.dumps([pair]))
    with pytest.raises(tf.errors.DataLossError, match="thing.commit"):
        recover(str(folder / "thing"))
    assert not (tmp_path / "new").exists() and not (folder / "new").exists()


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / ".thing.commit").write_text("[[1, 2]")
    with pytest.raises(tf.errors.DataLossError, match="thing.commit"):
        recover(str(tmp_path / "thing"))


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path):
    """Users know only the name that they gave."""
    path = str(tmp_path / "gone" / "model.onnx")
    for write in (
        lambda: write_whole(path, "text"),
        lambda: Transaction(path).open(path).__enter__(),
    ):
        with pytest.raises(tf.errors.NotFoundError) as caught:
            write()
        assert caught.value.message == f"{path}; No such file or directory"
