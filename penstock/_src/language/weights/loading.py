"""Makes the layers of a decoder of its tensors."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, replace

import numpy as np

from penstock._src.core.errors import DataLossError
from penstock._src.filesystems.mapping import is_mapped
from penstock._src.language.architecture import Architecture
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.operands import Linear, Matrix, Norm, tensor_of


@dataclass(frozen=True, eq=False)
class Layer:
    """The operands of a layer; norms that a model does not have are None, as is the gate where it has none."""

    query: Linear
    key: Linear
    value: Linear
    attention_output: Linear
    up: Linear
    down: Linear
    gate: Linear | None
    attention_norm: Norm | None
    query_norm: Norm | None
    key_norm: Norm | None
    post_attention_norm: Norm | None
    inner_norm: Norm | None
    post_inner_norm: Norm | None


@dataclass(frozen=True, eq=False)
class DecoderWeights:
    """The operands of a decoder.

    Attributes:
      embedding: a row for each token.
      positions: a row for each position; None if they are not learned. Encoders have those of the first type of tokens added.
      layers: of each layer.
      final_norm: before the output.
      output: from values to logits; the embedding's matrix if they are tied, None of encoders.
      embedding_norm: of the sum of embeddings; None if there is none.
    """

    embedding: Matrix
    positions: Matrix | None
    layers: tuple[Layer, ...]
    final_norm: Norm | None
    output: Linear | None
    embedding_norm: Norm | None

    @property
    def largest_packed(self) -> int:
        """The numbers of the largest packed matrix that is multiplied by; 0 if none is packed."""
        matrices = self._of_layers() + ([] if self.output is None else [self.output.matrix])
        return max((each.rows * each.columns for each in matrices if each.format), default=0)

    @property
    def attention_rows(self) -> int:
        """The least number of tokens whose attention is rounded to bfloat16, as products of layers are; 0 for none."""
        return max((matrix.attention_rows for matrix in self._of_layers()), default=0)

    def _of_layers(self) -> list[Matrix]:
        return [
            linear.matrix
            for layer in self.layers
            for each in dataclasses.fields(layer)
            if isinstance(linear := getattr(layer, each.name), Linear)
        ]


def load(finder: Finder, architecture: Architecture) -> DecoderWeights:
    """Returns the operands of a decoder.

    Raises:
      NotFoundError: a tensor is missing.
      DataLossError: one has another shape than the architecture says, or extents do not fit each other.
      UnimplementedError: there is one more.
    """
    a = architecture
    if a.heads % a.kv_heads:
        raise DataLossError(
            f"{finder.weights.path}: {a.heads} heads of queries do not share {a.kv_heads} heads of keys."
        )
    embedding = finder.matrix("embedding", a.vocabulary, a.width)
    is_tied = not finder.has("output") and finder.weights.metadata.get("tie_word_embeddings", True)
    output = None
    if a.is_causal:
        output = Linear(embedding) if is_tied else finder.linear("output", a.vocabulary, a.width, 0)
    weights = DecoderWeights(
        embedding,
        None if a.ropes else _positions(finder, a),
        tuple(_layer(finder, a, at) for at in range(a.layers)),
        finder.norm("final_norm", a.width),
        output,
        finder.norm("embedding_norm", a.width),
    )
    finder.check_rest(a.is_causal)
    return weights


def _positions(finder: Finder, a: Architecture) -> Matrix:
    count = a.first_position + a.context
    positions = finder.matrix("positions", count, a.width)
    if a.first_position:
        rows = tensor_of(positions.values._value[a.first_position :])
        positions = replace(positions, rows=a.context, values=rows)
    if not finder.has("token_types"):
        return positions
    shape = finder.weights.tensors[finder.name("token_types")].shape
    stored = finder.stored("token_types", 0, "weight", shape)
    if len(stored.shape) != 2 or stored.shape[1] != a.width or not stored.shape[0]:
        raise DataLossError(
            f"{finder.weights.path}: tensor '{finder.name('token_types')}': expected rows of {a.width} numbers. Found {list(stored.shape)}."
        )
    rows = finder.stored("positions", 0, "weight", [count, a.width]).array()[a.first_position :]
    summed = np.asarray(rows, np.float32) + np.asarray(stored.array()[0], np.float32)
    return Matrix(a.context, a.width, tensor_of(summed))


def _layer(finder: Finder, a: Architecture, at: int) -> Layer:
    query, key, value = _queries_keys_values(finder, a, at)
    gate, up = _gate_and_up(finder, a, at)
    shares = a.is_parallel and finder.family.shares_norm
    return Layer(
        query=query,
        key=key,
        value=value,
        attention_output=finder.linear("attention_output", a.width, a.heads * a.head_size, at),
        up=up,
        down=finder.linear("down", a.width, a.inner, at),
        gate=gate,
        attention_norm=_attention_norm(finder, a, at),
        query_norm=_head_norm(finder, a, at, "query", a.heads),
        key_norm=_head_norm(finder, a, at, "key", a.kv_heads),
        post_attention_norm=finder.norm("post_attention_norm", a.width, at),
        inner_norm=None if shares else finder.norm("inner_norm", a.width, at),
        post_inner_norm=finder.norm("post_inner_norm", a.width, at),
    )


def _attention_norm(finder: Finder, a: Architecture, at: int) -> Norm | None:
    if at == 0 and not finder.family.norms_first:
        return None
    return finder.norm("attention_norm", a.width, at)


def _head_norm(finder: Finder, a: Architecture, at: int, name: str, heads: int) -> Norm | None:
    """The norm of queries or keys."""
    ours, family = f"{name}_norm", finder.family
    if family.norms_by_head:
        return finder.norm_by_head(ours, heads, a.head_size, at, _order(finder, a, name, heads))
    return finder.norm(ours, a.head_size * (heads if family.norms_all_heads else 1), at)


def _queries_keys_values(finder: Finder, a: Architecture, at: int) -> tuple[Linear, ...]:
    counts = (a.heads, a.kv_heads, a.kv_heads)
    sizes = [count * a.head_size for count in counts]
    if not finder.has("qkv", at):
        names = zip(("query", "key", "value"), counts, sizes, strict=True)
        return tuple(
            finder.linear(name, rows, a.width, at, _order(finder, a, name, count))
            for name, count, rows in names
        )
    total = sum(sizes)
    if _is_by_head(finder, a):
        numbers = np.arange(total).reshape(a.heads, 3, a.head_size)
        orders = [numbers[:, part].reshape(-1) for part in range(3)]
        return tuple(finder.linear("qkv", total, a.width, at, order) for order in orders)
    ends = np.cumsum([0, *sizes])
    parts = [slice(ends[part], ends[part + 1]) for part in range(3)]
    return tuple(finder.linear("qkv", total, a.width, at, part) for part in parts)


def mapped_and_copied_bytes(finder: Finder, a: Architecture, packs: bool) -> tuple[int, int]:
    """Returns the bytes of the tensors that stay in the mapped file, and of those that `load` copies, in another order or another type.

    Args:
      finder: of the file.
      a: the architecture.
      packs: False: matrices are unpacked.
    """
    family = finder.family
    is_transposed = family.is_transposed and not finder.is_gguf
    names = ["query", "key"] if _is_reordered(finder) else []
    names += ["qkv"] if _is_by_head(finder, a) else []
    reordered = {
        finder.name(ours, at) for ours in names for at in range(a.layers) if finder.has(ours, at)
    }
    mapped = copied = 0
    for name, tensor in finder.weights.tensors.items():
        if len(tensor.shape) == 2 and (is_transposed or (tensor.type.is_packed and not packs)):
            copied += tensor.shape[0] * tensor.shape[1] * np.dtype(np.float32).itemsize
        elif tensor.type.table is not None and tensor.type.layout is not None:
            copied += math.prod(tensor.shape[:-1]) * tensor.type.layout.row_bytes(tensor.shape[-1])
        elif name in reordered or not is_mapped(tensor.data):
            copied += tensor.data.nbytes
        else:
            mapped += tensor.data.nbytes
    return mapped, copied


def _is_by_head(finder: Finder, a: Architecture) -> bool:
    """True if joint matrices have the query, key and value of a head side by side: all heads have their own, and files are Hugging Face's."""
    return finder.family.qkv == "by head" and a.kv_heads == a.heads and not finder.is_gguf


def _is_reordered(finder: Finder) -> bool:
    """True if the file has queries and keys in another order."""
    family = finder.family
    return family.is_interleaved if finder.is_gguf else family.turns_neighbors


def _order(finder: Finder, a: Architecture, name: str, heads: int) -> np.ndarray | None:
    """The order in which the two halves of a head are turned together, where the file has it so for neighbors."""
    if name == "value" or not _is_reordered(finder):
        return None
    turned = 2 * len(a.ropes[0].frequencies)
    numbers = np.arange(heads * a.head_size).reshape(heads, a.head_size)
    pairs = numbers[:, :turned].reshape(heads, turned // 2, 2).transpose(0, 2, 1)
    numbers[:, :turned] = pairs.reshape(heads, turned).copy()
    return numbers.reshape(-1)


def _gate_and_up(finder: Finder, a: Architecture, at: int) -> tuple[Linear | None, Linear]:
    if not a.is_gated:
        return None, finder.linear("up", a.inner, a.width, at)
    joint = "gate_up" if finder.has("gate_up", at) else "up"
    if joint == "gate_up" or not finder.has("gate", at):  # the gate's rows come first
        both = [
            finder.linear(joint, 2 * a.inner, a.width, at, part)
            for part in (slice(0, a.inner), slice(a.inner, None))
        ]
        return both[0], both[1]
    gate = finder.linear("gate", a.inner, a.width, at)
    return gate, finder.linear("up", a.inner, a.width, at)
