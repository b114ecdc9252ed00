"""Description of a generating model, in a file next to its graph (docs/serving.md has the contract)."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems import files
from penstock._src.serving.servables.servable import Signature

FOLDER = "assets.extra"
FILE = "penstock_generation.json"
RESET, CLEAR, PREFILL, DECODE = "reset", "clear", "prefill", "decode"
# That a model may leave out; it then keeps nothing of prompts for others that begin alike.
READ, WRITE = "read", "write"
# That a model may leave out; probabilities of a prompt's tokens are then refused.
SCORE = "score"
# {signature: its inputs}
INPUTS = {
    RESET: ("slots", "length"),
    CLEAR: ("slot",),
    PREFILL: ("tokens", "slot", "start", "last", "span"),
    DECODE: ("tokens", "positions", "span"),
}
# Optional functions; `write` also takes the results of `read`.
READ_INPUTS, WRITE_INPUTS = ("slot", "places"), ("slot", "start")
SCORE_INPUTS = ("tokens", "slot", "start", "span")
LOGITS = "logits"
REFUSAL = "belongs to the generation of tokens: ask :generate"


@dataclasses.dataclass(frozen=True)
class Generation:
    """Parameters of a model's generation.

    Args:
      slots: sequences that are generated at a time, the extent of the cache's batch axis.
      length: tokens of a sequence, with those of its prompt: the extent of the cache's length axis.
      vocabulary: number of tokens.
      bytes_per_place: that the cache takes for a token of a sequence.
      chunk: tokens of a prompt that are computed at once.
      chunks_alone: whole chunks that are computed at once while no other sequence awaits its next token, if they give equal bits.
      stop_tokens: that end a sequence.
      tokenizer: the name of a file beside this one; empty if there is none.
      chat: {role: (text before a message of the role, text after it)}; empty if the model does not chat.
    """

    slots: int
    length: int
    vocabulary: int
    bytes_per_place: int = 0
    chunk: int = 64
    chunks_alone: int = 1
    stop_tokens: tuple[int, ...] = ()
    tokenizer: str = ""
    chat: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("slots", "length", "vocabulary", "chunk", "chunks_alone"):
            if getattr(self, name) < 1:
                raise InvalidArgumentError(
                    f"{name}: expected at least 1. Received {getattr(self, name)}."
                )
        if os.path.basename(self.tokenizer) != self.tokenizer:
            raise InvalidArgumentError(
                f"tokenizer: expected the name of a file in {FOLDER}. Received '{self.tokenizer}'."
            )

    @property
    def cache_bytes(self) -> int:
        """That the cache of all sequences takes."""
        return self.slots * self.length * self.bytes_per_place


def read(path: str) -> Generation | None:
    """Returns the description in a model's folder; None if it does not generate.

    Raises:
      InvalidArgumentError: the file is damaged.
    """
    file = os.path.join(path, FOLDER, FILE)
    if not files.exists(file):
        return None
    try:
        parsed = json.loads(files.read(file))
        return _of_json(parsed)
    except (ValueError, TypeError, InvalidArgumentError) as error:
        raise InvalidArgumentError(f"{file}: {error}") from error


def _of_json(content: Any) -> Generation:
    if not isinstance(content, dict):
        raise TypeError("expected an object.")
    numbers = ("slots", "length", "vocabulary", "bytes_per_place", "chunk", "chunks_alone")
    for name in numbers:
        if name in content and type(content[name]) is not int:
            raise TypeError(f"{name}: expected an integer. Received {content[name]!r}.")
    stops, chat = content.get("stop_tokens", []), content.get("chat", {})
    if not isinstance(stops, list) or any(type(token) is not int for token in stops):
        raise TypeError(f"stop_tokens: expected a list of integers. Received {stops!r}.")
    if not isinstance(chat, dict) or not all(map(_is_pair, chat.values())):
        raise TypeError(f"chat: expected {{role: [before, after]}}. Received {chat!r}.")
    known = {**content, "stop_tokens": tuple(stops)}
    known["chat"] = {role: (before, after) for role, (before, after) in chat.items()}
    return Generation(**known)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(t, str) for t in value)


def write(path: str, generation: Generation) -> None:
    """Writes a model's description into its folder."""
    folder = os.path.join(path, FOLDER)
    files.make_folders(folder)
    text = json.dumps(dataclasses.asdict(generation), indent=1, ensure_ascii=False)
    files.write(os.path.join(folder, FILE), text.encode())


def guarded(signatures: Mapping[str, Signature], path: str) -> dict[str, Signature]:
    """Returns the signatures of a model that generates: requests cannot call those that change its cache.

    Raises:
      InvalidArgumentError: one is missing or takes other inputs.
    """
    wanted = {**INPUTS, **({SCORE: SCORE_INPUTS} if SCORE in signatures else {})}
    for name, inputs in wanted.items():
        if name not in signatures:
            _refuse(path, f"the signature '{name}' is missing. It has {sorted(signatures)}")
        if set(signatures[name].inputs) != set(inputs):
            names = sorted(signatures[name].inputs)
            _refuse(path, f"'{name}' must take {sorted(inputs)}. It takes {names}")
        if name in (PREFILL, DECODE, SCORE) and LOGITS not in signatures[name].outputs:
            names = sorted(signatures[name].outputs)
            _refuse(path, f"'{name}' must return '{LOGITS}'. It returns {names}")
    if keeps_prefixes(signatures):
        read, write = signatures[READ], signatures[WRITE]
        for name, actual, expected in (
            (READ, read.inputs, READ_INPUTS),
            (WRITE, write.inputs, (*WRITE_INPUTS, *read.outputs)),
        ):
            if set(actual) != set(expected):
                _refuse(path, f"'{name}' must take {sorted(expected)}. It takes {sorted(actual)}")
    own = (*INPUTS, READ, WRITE, SCORE)
    return {
        name: dataclasses.replace(signature, refusal=REFUSAL) if name in own else signature
        for name, signature in signatures.items()
    }


def keeps_prefixes(signatures: Mapping[str, Signature]) -> bool:
    """True if a part of the cache can be read and written, as prompts that begin alike need."""
    return READ in signatures and WRITE in signatures


def _refuse(path: str, what: str) -> NoReturn:
    raise InvalidArgumentError(f"{path}: {what}, because {FILE} declares a generating model.")
