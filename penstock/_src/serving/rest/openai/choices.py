"""Generated choices in the format of replies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.language.logprobs import TokenLogprobs
from penstock._src.language.text.chat import ASSISTANT
from penstock._src.language.text.tokenizers import Tokenizer
from penstock._src.serving.inference.generating import Piece

# (probabilities of a piece's tokens) -> a member of a choice.
_Logprobs = Callable[[Piece, Tokenizer], dict[str, Any]]


class Form(NamedTuple):
    """Format of a path's texts.

    Args:
      name: of the object of a whole reply.
      piece_name: of the object of a piece of it.
      prefix: of its identifier.
      choice: a whole text as a member of a choice.
      piece: a piece of a text likewise.
      logprobs: the probabilities of its tokens.
    """

    name: str
    piece_name: str
    prefix: str
    choice: Callable[[str], dict[str, Any]]
    piece: Callable[[str], dict[str, Any]]
    logprobs: _Logprobs

    def of(
        self,
        index: int,
        piece: Piece,
        tokenizer: Tokenizer | None,
        member: Callable[[str], dict[str, Any]],
        calls: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Returns a choice of a reply.

        Args:
          index: of the choice.
          piece: what was generated.
          tokenizer: None: there are no probabilities.
          member: `choice` or `piece`.
          calls: of tools.
        """
        content = member(piece.text)
        if calls:
            (said,) = content.values()
            said["tool_calls"] = list(calls)
            said["content"] = said["content"] or None
        noted = self.logprobs(piece, tokenizer) if tokenizer and piece.logprobs else None
        return {
            "index": index,
            **content,
            "logprobs": noted,
            "finish_reason": piece.finish_reason,
        }


def _of_completion(piece: Piece, tokenizer: Tokenizer) -> dict[str, Any]:
    """Merges lists by text. Among tokens whose bytes have the same text, only the most probable one is kept."""

    def text(token: int) -> str:
        return tokenizer.token_bytes(token).decode(errors="replace")

    def by_text(each: TokenLogprobs) -> dict[str, float] | None:
        if each.logprob is None:
            return None
        tops = [(each.token, each.logprob), *each.top]
        return {text(token): value for token, value in reversed(tops)}

    return {
        "tokens": [text(each.token) for each in piece.logprobs],
        "token_logprobs": [each.logprob for each in piece.logprobs],
        "top_logprobs": [by_text(each) for each in piece.logprobs],
        "text_offset": piece.offsets,
    }


def _of_chat(piece: Piece, tokenizer: Tokenizer) -> dict[str, Any]:
    def entry(token: int, logprob: float | None) -> dict[str, Any]:
        raw_bytes = tokenizer.token_bytes(token)
        return {
            "token": raw_bytes.decode(errors="replace"),
            "logprob": logprob,
            "bytes": list(raw_bytes),
        }

    def whole(each: TokenLogprobs) -> dict[str, Any]:
        return entry(each.token, each.logprob) | {"top_logprobs": [entry(*top) for top in each.top]}

    return {"content": [whole(each) for each in piece.logprobs], "refusal": None}


def mean_logprob(piece: Piece) -> float:
    """Returns the mean logarithm of the probabilities of the generated tokens; the least number if there are none."""
    count = len(piece.tokens)
    noted = [each.logprob or 0.0 for each in piece.logprobs[len(piece.logprobs) - count :]]
    return sum(noted) / count if count else -math.inf


COMPLETION = Form(
    "text_completion",
    "text_completion",
    "cmpl",
    lambda text: {"text": text},
    lambda text: {"text": text},
    _of_completion,
)
CHAT = Form(
    "chat.completion",
    "chat.completion.chunk",
    "chatcmpl",
    lambda text: {"message": {"role": ASSISTANT, "content": text}},
    lambda text: {"delta": {"role": ASSISTANT, "content": text}},
    _of_chat,
)
