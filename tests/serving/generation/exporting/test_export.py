"""Models are written with the functions that generation needs, and held to what they compute themselves."""

import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.generation.cached_model import CachedModel
from penstock._src.serving.servables.formats.table import load, size
from penstock._src.serving.servables.servable import Room
from penstock._src.util.process import progress
from tests.serving.kit import save_writer

ABOUT = "assets.extra/penstock_generation.json"
keras = tf.keras
L = keras.layers


def keras_model(attention, with_positions=True, mixes=False):
    tokens, positions = keras.Input([None], dtype="int32"), keras.Input([None], dtype="int32")
    x = L.Embedding(11, 8)(tokens)
    if with_positions:
        x = x + L.Embedding(24, 8)(positions)
    y = L.LayerNormalization()(x)
    x = x + attention(y, y, use_causal_mask=True)
    if mixes:
        x = L.Conv1D(8, 3, padding="causal")(x)
    inputs = [tokens, positions] if with_positions else tokens
    return keras.Model(inputs, L.Dense(11)(x))


@pytest.mark.parametrize("with_positions", [True, False])
@pytest.mark.parametrize("kind", ["multi", "grouped"])
def test_keras_models(tmp_path, kind, with_positions):
    keras.utils.set_random_seed(3)
    attention = L.MultiHeadAttention(2, 4) if kind == "multi" else L.GroupQueryAttention(4, 4, 2)
    model = keras_model(attention, with_positions)
    tf.serving.export_generator(model, str(tmp_path), length=24, slots=3, chunk=4)
    servable = load(str(tmp_path))
    cached = CachedModel(servable.generation, servable.signatures)
    tokens = np.int32([1, 5, 2, 7, 7, 3, 9])
    places = np.arange(7, dtype=np.int32)
    given = [tokens[None], places[None]] if with_positions else tokens[None]
    expected = model(given).numpy()[0]
    np.testing.assert_allclose(cached.prefill(1, 0, tokens[:4]), expected[3], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cached.prefill(1, 4, tokens[4:6]), expected[5], rtol=1e-4, atol=1e-5)
    logits = cached.decode(np.full(3, 9, np.int32), np.int32([0, 6, 0]))
    np.testing.assert_allclose(logits[1], expected[6], rtol=1e-4, atol=1e-5)


def test_a_terminal_is_told_what_takes_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.002)
    monkeypatch.setattr(progress, "view", progress.Terminal)
    save_writer(tmp_path)
    shown = capsys.readouterr().err
    for what in ("tracing its functions", "comparing its functions with the model", "writing"):
        assert f": {what}: " in shown


def test_models_whose_tokens_see_each_other_otherwise_are_refused(tmp_path):
    keras.utils.set_random_seed(3)
    model = keras_model(L.MultiHeadAttention(2, 4), mixes=True)
    with pytest.raises(InvalidArgumentError, match="other logits than the model"):
        tf.serving.export_generator(model, str(tmp_path), length=24)
    assert not list(tmp_path.iterdir())
    without = keras.Sequential([keras.Input([None], dtype="int32"), L.Embedding(11, 8)])
    with pytest.raises(InvalidArgumentError, match="MultiHeadAttention"):
        tf.serving.export_generator(without, str(tmp_path), length=24)


def test_what_a_model_says_of_itself(tmp_path):
    folder = save_writer(tmp_path, stop_tokens=[3], chat={"assistant": ("A:", "\n")})
    about = load(folder).generation
    assert about.stop_tokens == (3,) and about.chat == {"assistant": ("A:", "\n")}
    # Keys and values of two blocks of 16 floats: the files are small, the cache counts.
    assert about.cache_bytes == 4 * 48 * 2 * 2 * 16 * 4
    bare = size(folder, Room(prefix_bytes=0))
    assert about.cache_bytes < bare < about.cache_bytes + 150_000
    assert size(folder, Room(prefix_bytes=1000)) == bare + 1000


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"slots": 0}, "slots: expected at least 1"),
        ({"length": "long"}, "length: expected an integer"),
        ({"tokenizer": "../secret.json"}, "name of a file"),
        ({"stop_tokens": [0.5]}, "stop_tokens"),
        ({"chat": {"user": "x"}}, "chat"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_damaged_descriptions(tmp_path_factory, changed, says):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    if not folder.exists():
        save_writer(folder)
    kept = (folder / ABOUT).read_text()
    (folder / ABOUT).write_text(json.dumps({**json.loads(kept), **changed}))
    try:
        with pytest.raises(InvalidArgumentError, match=says):
            load(str(folder))
    finally:
        (folder / ABOUT).write_text(kept)


def test_functions_that_are_missing(tmp_path):
    class Empty(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, name="slot")])
        def clear(self, slot):
            return {"slot": slot}

    module = Empty()
    tf.saved_model.save(module, str(tmp_path), {"clear": module.clear})
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / ABOUT).write_text('{"slots": 1, "length": 2, "vocabulary": 3}')
    with pytest.raises(InvalidArgumentError, match="'reset' is missing"):
        load(str(tmp_path))
