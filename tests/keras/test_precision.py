"""Mixed precision: a small transformer on real text learns as it does in float32."""

from pydoc_data import topics

import keras
import numpy as np
import pytest

L = keras.layers
STEPS, BATCH, LENGTH = 40, 8, 32


def batches():
    text = np.frombuffer(topics.topics["class"].encode("ascii", "replace"), np.uint8)
    starts = np.random.default_rng(0).integers(0, len(text) - LENGTH - 1, (STEPS, BATCH, 1))
    windows = text[starts + np.arange(LENGTH + 1)].astype(np.int32)
    return zip(windows[..., :-1], windows[..., 1:], strict=True)


def losses(policy):
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(3)
    tokens = keras.Input((LENGTH,), dtype="int32")
    x = L.Embedding(128, 32)(tokens)
    y = L.LayerNormalization()(x)
    x = x + L.MultiHeadAttention(2, 16)(y, y, use_causal_mask=True)
    x = x + L.Dense(32)(L.Dense(64, activation="gelu")(L.LayerNormalization()(x)))
    model = keras.Model(tokens, L.Dense(128)(L.LayerNormalization()(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    found = []
    for x, y in batches():
        found.append(float(model.train_on_batch(x, y)))
        model.reset_metrics()
    return np.array(found)


@pytest.fixture(scope="module")
def exact():
    return losses("float32")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_loss_curves_are_those_of_float32(exact, policy):
    found = losses(policy)
    assert exact[-10:].mean() < exact[:5].mean() - 1
    # bfloat16 rounds to 3 digits, and errors of single steps do not add up
    np.testing.assert_allclose(found, exact, atol=0.08)
    assert abs(found.mean() - exact.mean()) < 0.02
