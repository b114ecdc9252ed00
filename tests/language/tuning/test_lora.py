"""Adapters of language models: trained as PEFT trains them, written and read in its form."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.writing import write as write_gguf
from penstock._src.formats.safetensors import file, folder
from penstock._src.formats.weights.stored import stored
from penstock._src.language.sampling import Sampling
from tests.language.tiny import TOKENS, drawn, gguf_of, weights_of

RECORDED = json.loads((pathlib.Path(__file__).parent / "recorded" / "lora.json").read_text())
ROWS = [TOKENS[:12].tolist(), TOKENS[12:].tolist()]
GREEDY = Sampling(temperature=0.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for name in RECORDED:
        folder.write(weights_of(name), str(root / name))
    for kind in ("F32", "Q8_0"):
        write_gguf(gguf_of("llama", kind), str(root / f"{kind}.gguf"))
    return root


def adapter_of(name, path, **more):
    """Writes what the record began with as PEFT writes it."""
    shapes = RECORDED[name]["shapes"]
    path.mkdir()
    modules = sorted({key.split(".")[-3] for key in shapes})
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 6, "target_modules": modules, **more}
    (path / "adapter_config.json").write_text(json.dumps(config))
    tensors = {key: stored(drawn(key, tuple(shape))) for key, shape in shapes.items()}
    file.write(tensors, str(path / "adapter_model.safetensors"))
    return path


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_losses_are_those_of_peft(root, tmp_path, name):
    model = tf.language.load(root / name)
    lora = model.load_lora(adapter_of(name, tmp_path / "adapter"))
    every = tf.ones([2, 12])
    losses = [float(lora.train_step(ROWS, every, 0.01)) for _ in RECORDED[name]["losses"]]
    np.testing.assert_allclose(losses, RECORDED[name]["losses"], rtol=2e-5)


def test_gradients_are_those_of_the_whole_loss(root, tmp_path):
    model = tf.language.load(root / "llama")
    lora = model.load_lora(adapter_of("llama", tmp_path / "adapter"))
    random = np.random.default_rng(0)
    tokens = tf.constant(
        random.integers(0, 96, (5, 40)), tf.int32
    )  # 195 next tokens, in pieces of 128
    learned = tf.constant(random.uniform(size=(5, 40)), tf.float32)
    with tf.GradientTape() as tape:
        rows = [model._program.whole(row)["logits"][:-1] for row in tf.unstack(tokens)]
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[:, 1:], tf.stack(rows))
        whole = tf.reduce_sum(each * learned[:, 1:]) / tf.reduce_sum(learned[:, 1:])
    wanted = tape.gradient(whole, lora.trainable_variables)
    loss, slopes = lora.gradients(tokens, learned)
    np.testing.assert_allclose(loss, whole, rtol=1e-5)
    assert len(slopes) == len(lora.trainable_variables) == 12
    for found, expected in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_packed_model_learns_and_answers_with_what_it_learned(root, tmp_path):
    model = tf.language.load(root / "Q8_0.gguf")
    before = model.logits(TOKENS)
    first = list(model.tokens(TOKENS[:4], GREEDY, 6))
    lora = model.enable_lora(8, targets=("query", "key", "value", "gate", "up", "down"), seed=1)
    np.testing.assert_array_equal(model.logits(TOKENS), before)  # nothing has changed yet
    losses = lora.fit([TOKENS.tolist()], epochs=60, learning_rate=0.02, seed=0)
    assert losses[-1] < 3.5 < 4.5 < losses[0]  # the norm before the output bounds logits
    assert list(model.tokens(TOKENS[:4], GREEDY, 6)) == TOKENS[4:10].tolist() != first
    assert lora.evaluate([TOKENS.tolist()]) == pytest.approx(losses[-1], abs=0.05)
    lora.save(tmp_path / "adapter")
    other = tf.language.load(root / "Q8_0.gguf")
    other.load_lora(tmp_path / "adapter")
    np.testing.assert_array_equal(other.logits(TOKENS), model.logits(TOKENS))


def test_only_answers_are_learned(root):
    model = tf.language.load(root / "F32.gguf")
    lora = model.enable_lora(2, seed=0)
    pair = (ROWS[0][:5], ROWS[0][5:])
    logits = model.logits([*ROWS[0], min(model.stop_tokens)])
    scores = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    wanted = [*ROWS[0][5:], min(model.stop_tokens)]
    expected = -np.mean([scores[4 + at, token] for at, token in enumerate(wanted)])
    assert lora.evaluate([pair]) == pytest.approx(expected, rel=1e-5)


def test_an_optimizer_of_keras_trains_alike(root):
    keras = pytest.importorskip("keras")
    optimizer = keras.optimizers.Adam(0.01, epsilon=1e-8)
    losses = []
    for options in ({"optimizer": optimizer}, {"learning_rate": 0.01}):
        lora = tf.language.load(root / "F32.gguf").enable_lora(4, seed=0)
        losses.append(lora.fit(ROWS, epochs=4, seed=0, **options))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize(
    "options, message",
    [({"rank": 0}, "rank"), ({"targets": ("query", "norm")}, "norm"), ({"targets": ()}, "targets")],
)
def test_options_out_of_range_are_refused(root, options, message):
    model = tf.language.load(root / "F32.gguf")
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.enable_lora(**options)
    model.enable_lora()
    with pytest.raises(tf.errors.InvalidArgumentError, match="already"):
        model.enable_lora()


@pytest.mark.parametrize("texts", [[], [[5]], [([5, 6], [])], [[5, 96]]])
def test_texts_without_tokens_to_learn_are_refused(root, texts):
    lora = tf.language.load(root / "llama").enable_lora()
    lora._end = None
    with pytest.raises(tf.errors.InvalidArgumentError):
        lora.fit(texts)


def test_a_model_stays_as_it_is_if_stored_adapters_do_not_fit(root, tmp_path):
    path = adapter_of("llama", tmp_path / "adapter")
    tensors = dict(file.read(str(path / "adapter_model.safetensors")).tensors)
    del tensors[min(tensors)]
    file.write(tensors, str(path / "adapter_model.safetensors"))
    model = tf.language.load(root / "llama")
    before = model.logits(TOKENS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no such tensor"):
        model.load_lora(path)
    np.testing.assert_array_equal(model.logits(TOKENS), before)
    model.enable_lora()


def test_adapters_that_do_not_fit_change_nothing(root, tmp_path):
    path = adapter_of("llama", tmp_path / "adapter")
    lora = tf.language.load(root / "llama").load_lora(path)
    before = [variable.numpy() for variable in lora.trainable_variables]
    tensors = dict(file.read(str(path / "adapter_model.safetensors")).tensors)
    wrong = stored(np.zeros((4, 33), np.float32))
    copies = {key: stored(np.zeros(t.shape, np.float32)) for key, t in tensors.items()}
    file.write({**copies, max(copies): wrong}, str(path / "adapter_model.safetensors"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected the shape"):
        lora.load(path)
    for variable, value in zip(lora.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.parametrize(
    "more, error",
    [
        ({"use_dora": True}, tf.errors.UnimplementedError),
        ({"peft_type": "IA3"}, tf.errors.UnimplementedError),
        ({"r": 0}, tf.errors.DataLossError),
        ({"r": 1 << 40}, tf.errors.DataLossError),
        ({"lora_alpha": "6"}, tf.errors.DataLossError),
    ],
)
def test_adapters_of_other_kinds_are_refused(root, tmp_path, more, error):
    with pytest.raises(error, match="adapter_config.json"):
        tf.language.load(root / "llama").load_lora(adapter_of("llama", tmp_path / "a", **more))
