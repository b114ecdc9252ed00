"""Matrices as programs take them."""

import dataclasses

import numpy as np

import penstock as tf
from penstock._src.formats.weights.stored import StoredTensor, stored
from penstock._src.formats.weights.types import TYPES
from penstock._src.language.families.gguf import architecture_of
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.network.program import Program
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import load, mapped_and_copied_bytes
from tests.language.tiny import TOKENS, gguf_of

NAME = "blk.0.ffn_up.weight"


def with_matrix(tensor):
    """(logits, bytes copied) of a llama with another matrix."""
    weights = gguf_of("llama")
    weights = dataclasses.replace(weights, tensors={**weights.tensors, NAME: tensor})
    architecture = architecture_of(weights)
    finder = Finder(weights, architecture.family, is_gguf=True, packs=True)
    program = Program(Decoder(architecture, load(finder, architecture)), 32)
    copied = mapped_and_copied_bytes(finder, architecture, packs=True)[1]
    return program.whole(tf.constant(TOKENS))["logits"].numpy(), copied


def test_numbers_of_a_table_are_multiplied_by():
    shape, random = gguf_of("llama").tensors[NAME].shape, np.random.default_rng(2)
    blocks = random.integers(0, 256, (shape[0], shape[1] // 32, 18), dtype=np.uint8)
    scales = random.uniform(-0.01, 0.01, blocks.shape[:-1]).astype(np.float16)
    blocks[..., :2] = scales[..., None].view(np.uint8)
    tensor = StoredTensor(shape, TYPES["IQ4_NL"], blocks.reshape(-1))
    found, copied = with_matrix(tensor)
    wanted, others = with_matrix(stored(tensor.array()))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    # They are held as Q8_0: 34 bytes for 32 numbers.
    numbers = shape[0] * shape[1]
    assert copied - others == numbers // 32 * 34 - numbers * 4
