"""Tiny models of every family: drawn weights under Hugging Face's names, and the logits that transformers computes with them."""

import json
import pathlib
import zlib

import numpy as np

RECORDED = pathlib.Path(__file__).parent / "network" / "recorded"
TOKENS = np.random.default_rng(1).integers(0, 96, 24).astype(np.int32)
# Of which tokens the logits are recorded.
KEPT = [0, 6, 11, 12, 23]
ENCODERS = ("bert", "camembert", "distilbert", "modernbert", "roberta")
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


# What GGUF's files call the parts of a llama.
_GGUF = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
# Letters are tokens, as are pairs of which words of the tests consist, and what controls a conversation.
LETTERS = [chr(number) for number in range(ord("!"), ord("!") + 88)] + ["Ġ"]
PAIRS = ["ab", "abc", "Ġabc"]
CONTROL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
VOCABULARY = [*LETTERS, *PAIRS, *CONTROL]
MERGES = ["a b", "ab c", "Ġ abc"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }} {{ message['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
)


def gguf_of(name, kind="F32"):
    """Returns a llama as a GGUF file has it, with a tokenizer and a template; matrices in a type."""
    from penstock._src.formats.weights.stored import Weights, stored
    from penstock._src.formats.weights.types import TYPES

    config = models()[name]["config"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    tensors = {}
    for key, tensor in weights_of(name).tensors.items():
        stem, part = key.rsplit(".", 1)
        if stem.startswith("model.layers."):
            _, _, layer, inner = stem.split(".", 3)
            renamed = f"blk.{layer}.{_GGUF[inner]}.{part}"
        else:
            renamed = f"{_GGUF[stem]}.{part}"
        array = tensor.array()
        if "attn_q" in renamed or "attn_k" in renamed:
            count = heads if "attn_q" in renamed else kv_heads
            halves = array.reshape(count, 2, -1, *array.shape[1:])
            array = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(array.shape)
        fits = array.ndim == 2 and array.shape[1] % 32 == 0
        tensors[renamed] = stored(array).stored_as(TYPES[kind if fits else "F32"])
    facts = {
        "general.architecture": "llama",
        "llama.block_count": config["num_hidden_layers"],
        "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": kv_heads,
        "llama.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": VOCABULARY + [f"unused{n}" for n in range(96 - len(VOCABULARY))],
        "tokenizer.ggml.token_type": np.int32(
            [3 if VOCABULARY[n : n + 1] and VOCABULARY[n] in CONTROL else 1 for n in range(96)]
        ),
        "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.eos_token_id": VOCABULARY.index("<|im_end|>"),
        "tokenizer.chat_template": TEMPLATE,
    }
    return Weights(name, tensors, facts)


# Of the tokenizer of an encoder.
WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "a", "cat", "sleep", "##s", "dog"]


def save_bert(path):
    """Writes an encoder as a Hugging Face folder; returns the path."""
    import tokenizers

    from penstock._src.formats.safetensors import folder

    folder.write(weights_of("bert"), str(path))
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({w: n for n, w in enumerate(WORDS)}, unk_token="[UNK]")
    )
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.save(str(path / "tokenizer.json"))
    return path
