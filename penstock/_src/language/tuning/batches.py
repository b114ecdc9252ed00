"""Arrays of texts: rows of tokens, and which of them count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from penstock._src.core.errors import InvalidArgumentError

Text = str | Sequence[int]
# A text, or a prompt and its answer, of which only the answer is learned.
Example = Text | tuple[Text, Text]


class Examples:
    """Texts as tokens.

    Args:
      examples: texts, or (prompt, answer).
      encode: from a text to tokens, which are checked.
      length: tokens of a text that are used at most.
      end: the token that ends a text; None for none.

    Raises:
      InvalidArgumentError: there is none, or one has less than two tokens.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        encode: Callable[[Text], list[int]],
        length: int,
        end: int | None,
    ) -> None:
        self._rows = [_tokens(example, encode, length, end) for example in examples]
        if not self._rows:
            raise InvalidArgumentError("texts: expected at least one. Received none.")
        for at, (tokens, learned) in enumerate(self._rows):
            if len(tokens) < 2 or learned >= len(tokens):
                raise InvalidArgumentError(
                    f"texts[{at}]: expected at least two tokens, and one that is learned among the first {length}. "
                    f"Received {len(tokens)}, of which {max(0, len(tokens) - learned)} are learned."
                )

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def longest(self) -> int:
        """The most tokens that a text has."""
        return max(len(tokens) for tokens, _ in self._rows)

    def batches(
        self, size: int, random: np.random.Generator | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields int32 `[n, tokens]`, and float32 likewise: 1 for tokens that are learned, 0 for others and for what fills rows up.

        Args:
          size: rows of a batch; the last has what is left.
          random: by which texts are shuffled; None for their order.
        """
        order = np.arange(len(self)) if random is None else random.permutation(len(self))
        for start in range(0, len(self), size):
            rows = [self._rows[at] for at in order[start : start + size]]
            longest = max(len(tokens) for tokens, _ in rows)
            tokens = np.zeros((len(rows), longest), np.int32)
            learned = np.zeros((len(rows), longest), np.float32)
            for at, (row, first) in enumerate(rows):
                tokens[at, : len(row)] = row
                learned[at, first : len(row)] = 1
            yield tokens, learned


def _tokens(
    example: Example, encode: Callable[[Text], list[int]], length: int, end: int | None
) -> tuple[list[int], int]:
    """The tokens of an example, and the first that is learned."""
    ends = [] if end is None else [end]
    if isinstance(example, tuple):
        prompt, answer = (encode(part) for part in example)
        return [*prompt, *answer, *ends][:length], max(1, len(prompt))
    return [*encode(example), *ends][:length], 1
