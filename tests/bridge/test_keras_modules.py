"""Saving with Keras over a file leaves the old one until the new one is whole."""

import json
import os

import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)

PATHS = ["model.keras", "model.weights.h5", "model.weights.json", "model.h5"]


class Refused(Exception):
    """In the middle of saving."""


class Failing(keras.layers.Dense):
    """A layer that cannot be saved while `fails`."""

    fails = False

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.fails:
            raise Refused

    def get_config(self):
        if self.fails:
            raise Refused
        return super().get_config()


def _model():
    return keras.Sequential([keras.Input((3,)), Failing(4), keras.layers.Dense(2)])


def _save(model, path):
    if "weights" in path:
        model.save_weights(path, max_shard_size=1 if path.endswith("json") else None)
    else:
        model.save(path)


@pytest.mark.parametrize("name", PATHS)
def test_an_error_leaves_the_old_file(tmp_path, name):
    model, path = _model(), str(tmp_path / name)
    _save(model, path)
    os.chmod(path, 0o640)
    before = {each: (tmp_path / each).read_bytes() for each in os.listdir(tmp_path)}
    model.layers[0].fails = True
    with pytest.raises(Refused):
        _save(model, path)
    assert {each: (tmp_path / each).read_bytes() for each in os.listdir(tmp_path)} == before
    model.layers[0].fails = False
    model.layers[0].bias.assign([5.0] * 4)
    _save(model, path)
    assert set(os.listdir(tmp_path)) == set(before)
    assert os.stat(path).st_mode & 0o777 == 0o640
    if "weights" in name:
        again = _model()
        again.load_weights(path)
    else:
        again = keras.models.load_model(path, custom_objects={"Failing": Failing})
    assert again.layers[0].bias.numpy().tolist() == [5.0] * 4


def test_links_stay_links(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here.keras").symlink_to(tmp_path / "there" / "model.keras")
    _model().save(tmp_path / "here.keras")
    assert (tmp_path / "here.keras").is_symlink()
    assert os.listdir(tmp_path / "there") == ["model.keras"]


def test_refused_paths_are_named_as_given(tmp_path):
    with pytest.raises(ValueError, match=r"filepath=.*/model\.bin"):
        _model().save_weights(tmp_path / "model.bin")


def test_where_training_is_is_written_whole(tmp_path, monkeypatch):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path))
    backup.set_model(_model())
    backup.on_epoch_end(0)
    assert json.loads((tmp_path / "training_metadata.json").read_text())["epoch"] == 1

    def dumps(value):
        raise Refused

    monkeypatch.setattr(json, "dumps", dumps)
    with pytest.raises(Refused):
        backup.on_epoch_end(1)
    assert '"epoch": 1' in (tmp_path / "training_metadata.json").read_text()


@pytest.mark.parametrize("name", PATHS[:2] + PATHS[3:])
def test_errors_of_damaged_files_name_them(tmp_path, name):
    model, path = _model(), tmp_path / name
    _save(model, str(path))
    path.write_bytes(path.read_bytes()[:-100])
    load = model.load_weights if "weights" in name else keras.models.load_model
    with pytest.raises((OSError, ValueError)) as raised:
        load(path)
    message = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert message.count(str(path)) == 1
