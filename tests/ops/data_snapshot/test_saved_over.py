"""A dataset that is saved over one of other elements: both what tells the structure and the elements change at once."""

import pytest

import penstock as tf
from penstock._src.filesystems import files

OLD = [0, 1, 2]
NEW = [b"0", b"1", b"2", b"3"]


class Refused(Exception):
    """In the middle of saving."""


@pytest.fixture(params=["", "ram://"], ids=["local", "ram"])
def folder(request, tmp_path):
    path = request.param + str(tmp_path / "elements")
    tf.data.Dataset.range(3).save(path)
    return path


def save_others(folder):
    tf.data.Dataset.range(4).map(tf.strings.as_string).save(folder)


def elements(folder):
    return list(tf.data.Dataset.load(folder).as_numpy_iterator())


def test_other_elements_replace_those_that_were_saved(folder):
    save_others(folder)
    assert elements(folder) == NEW
    assert not [name for name in files.names(folder) if name.startswith(".")]


def test_an_error_amid_saving_leaves_what_was_there(folder):
    bad = tf.data.Dataset.range(4).map(
        lambda x: tf.strings.as_string(
            tf.debugging.check_numerics(1.0 / tf.cast(2 - x, tf.float32), "odd")
        )
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        bad.save(folder)
    assert elements(folder) == OLD
    assert not [name for name in files.names(folder) if name.startswith(".")]


@pytest.mark.parametrize("renames", range(4))
def test_whoever_stops_amid_renaming_leaves_one_of_them(folder, renames, monkeypatch):
    left = renames
    rename = files.rename

    def limited(source, target):
        nonlocal left
        left -= 1
        if left < 0:
            raise Refused
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "rename", limited)
        try:
            save_others(folder)
        except Refused:
            pass
    assert elements(folder) == (NEW if renames else OLD)
