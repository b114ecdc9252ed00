"""Text of tokens as they come."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.text.tokenizers import Tokenizer

# So many tokens of a prompt are decoded with what follows: some of them, such as those that control the model, have no text.
_BEFORE = 8
# Decoders write this for bytes that do not form a complete character yet.
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """Gives the text of a sequence piece by piece.

    A character may take several tokens, and text that may be the beginning of a stop is held back until that is certain.

    Args:
      tokenizer: of the model.
      stops: texts that end the sequence; they are not part of it.

    Attributes:
      is_stopped: True once a stop has come.
      length: characters of the text so far, with those that are held back.

    Raises:
      InvalidArgumentError: a stop is empty.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        if "" in stops:
            raise InvalidArgumentError(
                f"stop: expected texts that are not empty. Received {list(stops)}."
            )
        self._tokenizer, self._stops = tokenizer, tuple(stops)
        self._tokens: list[int] = []
        # Tokens before `_read` are text that was given; decoding begins at `_from`, as a tokenizer may treat the first one in another way.
        self._from = self._read = 0
        self._held = ""
        self.is_stopped, self.length = False, 0

    def follow(self, prompt: Sequence[int]) -> None:
        """Makes the text go on with another one, which is not given: the space before its first word is left out by some tokenizers where a text begins.

        Args:
          prompt: the tokens of the other text; they are the tokenizer's.
        """
        tokens = [int(token) for token in prompt[-_BEFORE:]]
        if not self._tokenizer.decode(tokens).endswith(_UNFINISHED):
            self._tokens, self._read = tokens, len(tokens)

    def push(self, tokens: Sequence[int]) -> str:
        """Returns the further text that is certain after these tokens."""
        self._tokens += tokens
        return "" if self.is_stopped else self._certain(self._decoded(False))

    def echo(self, token: int) -> str:
        """Returns the further text after a token of the prompt, in which no stop is looked for."""
        self._tokens.append(token)
        return self._decoded(False)

    def finish(self) -> str:
        """Returns the rest of the text, after the last token."""
        if self.is_stopped:
            return ""
        text = self._certain(self._decoded(True))
        return text if self.is_stopped else text + self._held

    def _decoded(self, is_last: bool) -> str:
        """The text of tokens that were not decoded yet; none if it ends within a character."""
        before = self._tokenizer.decode(self._tokens[self._from : self._read])
        text = self._tokenizer.decode(self._tokens[self._from :])
        if len(text) <= len(before) or text.endswith(_UNFINISHED) and not is_last:
            return ""
        self._from, self._read = self._read, len(self._tokens)
        self.length += len(text) - len(before)
        return text[len(before) :]

    def _certain(self, text: str) -> str:
        """The pending and the new text up to a stop; a possible beginning of a stop stays pending."""
        text = self._held + text
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.is_stopped, self._held = True, ""
            return text[: min(ends)]
        pending = max((overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - pending :]
        return text[: len(text) - pending]


def overlap(text: str, stop: str) -> int:
    """Returns the length of the longest end of a text that begins a stop."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
