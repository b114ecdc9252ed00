"""Archives of Keras that stand for far more than they hold are refused before they are unpacked."""

import zipfile

import pytest

import penstock as tf

tf.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)

from penstock._src.bridge.keras_modules import archives  # noqa: E402
from penstock._src.core.values import memory_limit  # noqa: E402

MEGABYTE = 1 << 20


@pytest.fixture
def rewritten(tmp_path):
    """Writes a model's archive with other members, whose content is so many blanks."""

    def write(**members: int) -> str:
        whole, path = tmp_path / "whole.keras", tmp_path / "model.keras"
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(whole)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if name not in members:
                    new.writestr(name, old.read(name))
            for name, size in members.items():
                new.writestr(name, b" " * size)
        return str(path)

    return write


def test_what_many_members_unpack_to_is_added_up(rewritten):
    path = rewritten(**{f"assets/{at}": 10 * MEGABYTE for at in range(8)})
    with pytest.raises(
        ValueError, match=r"model.keras would unpack to 838\d+ bytes beside the weights.*assets/0"
    ):
        keras.models.load_model(path)


def test_a_long_configuration_is_refused(rewritten):
    with pytest.raises(ValueError, match="largest member is 'config.json'"):
        keras.models.load_model(rewritten(**{"config.json": 80 * MEGABYTE}))


def test_weights_without_memory_are_refused(rewritten):
    path = rewritten(**{"model.weights.h5": 80 * MEGABYTE})
    tf.config.experimental.set_memory_limit(memory_limit.used() + 100 * MEGABYTE)
    try:
        with pytest.raises(tf.errors.ResourceExhaustedError, match="model.keras: model.weights.h5"):
            keras.models.load_model(path)
    finally:
        tf.config.experimental.set_memory_limit(None)


def test_too_many_members_are_refused(rewritten, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    with pytest.raises(ValueError, match="has 14 members"):
        keras.models.load_model(rewritten(**{f"assets/{at}": 0 for at in range(11)}))


def test_models_of_many_assets_load(rewritten):
    assert keras.models.load_model(rewritten(**{f"assets/{at}": 10 for at in range(100)})).built


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_a_missing_folder_is_named_by_the_path_that_was_given(tmp_path, name):
    model = tf.keras.Sequential([tf.keras.layers.Input((2,)), tf.keras.layers.Dense(1)])
    path = str(tmp_path / "gone" / name)
    with pytest.raises(FileNotFoundError) as caught:
        (model.save if name == "net.keras" else model.save_weights)(path)
    assert path in str(caught.value) and ".new-" not in str(caught.value)
