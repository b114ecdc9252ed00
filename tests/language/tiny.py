"""Tiny models of every family: drawn weights under Hugging Face's names, and the logits that transformers computes with them."""

import json
import pathlib
import zlib

import numpy as np

RECORDED = pathlib.Path(__file__).parent / "network" / "recorded"
TOKENS = np.random.default_rng(1).integers(0, 96, 24).astype(np.int32)
# Of which tokens the logits are recorded.
KEPT = [0, 6, 11, 12, 23]
# Of the draws: small, around the neutral value of norms, which Gemma's files leave out.
_SCALES = {1: 0.2, 2: 0.3}


def drawn(name, shape):
    """Returns the weights of a tensor, float32: always the same for a name and shape."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    values = random.standard_normal(shape) * _SCALES[len(shape)]
    return values.astype(np.float32)


def models():
    """Returns {name: {"config": of its config.json, "shapes": of its tensors}}."""
    return json.loads((RECORDED / "decoders.json").read_text())


def weights_of(name):
    """Returns the tensors and `config.json` of a model."""
    from penstock._src.formats.weights.stored import Weights, stored  # who records has no Penstock

    about = models()[name]
    tensors = {key: stored(drawn(key, tuple(shape))) for key, shape in about["shapes"].items()}
    return Weights(name, tensors, about["config"])


def logits_of(name):
    """Returns the logits after the kept tokens, float64 `[kept, vocabulary]`."""
    return np.load(RECORDED / "decoders.npz")[name]
