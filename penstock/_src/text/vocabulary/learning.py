"""Vocabularies of pieces learned from counts of words: the frequent parts that are not only parts of longer frequent ones.

Bisection finds the count for which the vocabulary has the requested size. Names and steps are those of tensorflow-text's module, whose functions users call.
"""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Counts = Iterable[tuple[str, int]]


class Params(NamedTuple):
    """Settings for learning a vocabulary.

    Attributes:
      upper_thresh: the highest count that is tried.
      lower_thresh: the lowest one.
      num_iterations: how often words are cut and parts counted anew.
      max_input_tokens: of the most frequent words; -1 for all.
      max_token_length: longer words are left out.
      max_unique_chars: words of other than the most frequent characters are left out.
      vocab_size: that is wanted.
      slack_ratio: the part of it that may be missing.
      include_joiner_token: whether pieces that go on within a word begin with `joiner`.
      joiner: what they begin with.
      reserved_tokens: that come first.
    """

    upper_thresh: int | None
    lower_thresh: int | None
    num_iterations: int
    max_input_tokens: int
    max_token_length: int
    max_unique_chars: int
    vocab_size: int
    slack_ratio: float
    include_joiner_token: bool
    joiner: str
    reserved_tokens: Sequence[str]


def extract_char_tokens(word_counts: Counts) -> set[str]:
    """Returns the characters of words."""
    return {character for word, _ in word_counts for character in word}


def ensure_all_tokens_exist(
    input_tokens: Iterable[str],
    output_tokens: dict[str, int],
    include_joiner_token: bool,
    joiner: str,
) -> dict[str, int]:
    """Adds the missing ones of some tokens to others, with a count of 1; returns these."""
    for token in input_tokens:
        output_tokens.setdefault(token, 1)
        if include_joiner_token:
            output_tokens.setdefault(joiner + token, 1)
    return output_tokens


def get_split_indices(
    word: str, curr_tokens: Mapping[str, int], include_joiner_token: bool, joiner: str
) -> list[int] | None:
    """Returns where a word is cut if its pieces are as long as possible; None if it cannot be cut."""
    indices, start = [], 0
    while start < len(word):
        prefix = joiner if include_joiner_token and start else ""
        end = next(
            (e for e in range(len(word), start, -1) if prefix + word[start:e] in curr_tokens), None
        )
        if end is None:
            return None
        indices.append(end)
        start = end
    return indices


def get_search_threshs(
    word_counts: Counts, upper_thresh: int | None, lower_thresh: int | None
) -> tuple[int, int]:
    """Returns the highest and the lowest count that are tried."""
    counts = [count for _, count in word_counts]
    upper = max(counts) if upper_thresh is None else min(max(counts), upper_thresh)
    lower = min(counts) if lower_thresh is None else max(min(counts), lower_thresh)
    return upper, lower


def get_input_words(
    word_counts: Counts, reserved_tokens: Sequence[str], max_token_length: int
) -> list[tuple[str, int]]:
    """Returns the words that are neither too long nor reserved."""
    return [
        (word, count)
        for word, count in word_counts
        if len(word) <= max_token_length and word not in reserved_tokens
    ]


def get_allowed_chars(all_counts: Counts, max_unique_chars: int) -> set[str]:
    """Returns the most frequent characters."""
    counts: collections.Counter[str] = collections.Counter()
    for word, count in all_counts:
        for character in word:
            counts[character] += count
    order = sorted(counts, key=lambda character: (-counts[character], character))
    return set(order[:max_unique_chars])


def filter_input_words(
    all_counts: Counts, allowed_chars: set[str], max_input_tokens: int
) -> list[tuple[str, int]]:
    """Returns the most frequent words that have no other characters."""
    most_frequent = sorted(all_counts, key=lambda word_and_count: word_and_count[1], reverse=True)
    frequent = [(word, count) for word, count in most_frequent if allowed_chars.issuperset(word)]
    return frequent if max_input_tokens == -1 else frequent[:max_input_tokens]


def generate_final_vocabulary(
    reserved_tokens: Sequence[str], char_tokens: Iterable[str], curr_tokens: Mapping[str, int]
) -> list[str]:
    """Returns reserved tokens, characters, and other tokens by their counts."""
    by_count = sorted(curr_tokens, key=lambda token: (-curr_tokens[token], token))
    return list(dict.fromkeys([*reserved_tokens, *sorted(char_tokens), *by_count]))


def learn_with_thresh(word_counts: Counts, thresh: int, params: Params) -> list[str]:
    """Returns the vocabulary of parts of words that occur at least so often."""
    word_counts = list(word_counts)
    characters = extract_char_tokens(word_counts)
    tokens = ensure_all_tokens_exist(characters, {}, params.include_joiner_token, params.joiner)
    for iteration in range(params.num_iterations):
        counted = _counted(word_counts, None if iteration == 0 else tokens, params)
        tokens = _frequent(counted, thresh, params)
        tokens = ensure_all_tokens_exist(
            characters, tokens, params.include_joiner_token, params.joiner
        )
    return generate_final_vocabulary(params.reserved_tokens, characters, tokens)


def _counted(
    word_counts: Counts, tokens: Mapping[str, int] | None, params: Params
) -> list[dict[str, int]]:
    """Counts of the parts that begin where words are cut, by length; without tokens, of all parts."""
    counts: list[dict[str, int]] = [{} for _ in range(params.max_token_length + 1)]
    for word, count in word_counts:
        cuts: Iterable[int] | None = range(1, len(word) + 1)
        if tokens is not None:
            cuts = get_split_indices(word, tokens, params.include_joiner_token, params.joiner)
        start = 0
        for cut in cuts or ():
            prefix = params.joiner if params.include_joiner_token and start else ""
            for end in range(start + 1, len(word) + 1):
                own = counts[end - start]
                part = prefix + word[start:end]
                own[part] = own.get(part, 0) + count
            start = cut
    return counts


def _frequent(counted: list[dict[str, int]], thresh: int, params: Params) -> dict[str, int]:
    """The parts that occur often enough; occurrences within a longer part do not count for its prefixes."""
    frequent: dict[str, int] = {}
    for length in range(params.max_token_length, 0, -1):
        for token, count in counted[length].items():
            if count >= thresh:
                frequent[token] = count
            joiner = len(token) - length
            for size in range(1, length):
                below = counted[size]
                beginning = token[: joiner + size]
                if beginning in below:
                    below[beginning] -= count
    return frequent


def learn_binary_search(word_counts: Counts, lower: int, upper: int, params: Params) -> list[str]:
    """Returns a vocabulary of about the requested size, by bisection of the least count of a part."""
    word_counts = list(word_counts)
    while True:
        thresh = (upper + lower) // 2
        vocab = learn_with_thresh(word_counts, thresh, params)
        slack = max(0.0, params.slack_ratio * params.vocab_size)
        missing = params.vocab_size - len(vocab)
        if 0 <= missing <= slack or lower >= upper or thresh <= 1:
            return vocab
        if missing < 0:
            lower = thresh + 1
        else:
            upper = thresh - 1


def count_words(iterable: Iterable[Any]) -> collections.Counter:
    """Returns how often each word occurs.

    Args:
      iterable: arrays or ragged tensors of words, such as a dataset.

    Returns:
      A counter of str.
    """
    counts: collections.Counter = collections.Counter()
    for words in iterable:
        counts.update(np.reshape(getattr(words, "flat_values", words), [-1]))
    if isinstance(next(iter(counts)), bytes):
        return collections.Counter({word.decode(): count for word, count in counts.items()})
    return counts


def learn(
    word_counts: Any,
    vocab_size: int,
    reserved_tokens: Sequence[str],
    upper_thresh: int | None = 10_000_000,
    lower_thresh: int | None = 10,
    num_iterations: int = 4,
    max_input_tokens: int = 5_000_000,
    max_token_length: int = 50,
    max_unique_chars: int = 1000,
    slack_ratio: float = 0.05,
    include_joiner_token: bool = True,
    joiner: str = "##",
) -> list[str]:
    """Returns a vocabulary of pieces of words.

    Args:
      word_counts: how often each word occurs: a dict, or pairs.
      vocab_size: that is wanted.
      reserved_tokens: that come first.
      upper_thresh: the highest count that parts must have.
      lower_thresh: the lowest one.
      num_iterations: how often words are cut and parts counted anew.
      max_input_tokens: of the most frequent words; -1 for all.
      max_token_length: longer words are left out.
      max_unique_chars: words of other than the most frequent characters are left out.
      slack_ratio: the part of `vocab_size` that may be missing.
      include_joiner_token: whether pieces that go on within a word begin with `joiner`.
      joiner: what they begin with.

    Returns:
      The pieces.
    """
    pairs = list(word_counts.items() if isinstance(word_counts, dict) else word_counts)
    params = Params(
        upper_thresh=upper_thresh,
        lower_thresh=lower_thresh,
        num_iterations=num_iterations,
        max_input_tokens=max_input_tokens,
        max_token_length=max_token_length,
        max_unique_chars=max_unique_chars,
        vocab_size=vocab_size,
        slack_ratio=slack_ratio,
        include_joiner_token=include_joiner_token,
        joiner=joiner,
        reserved_tokens=reserved_tokens,
    )
    upper, lower = get_search_threshs(pairs, upper_thresh, lower_thresh)
    counts = get_input_words(pairs, reserved_tokens, max_token_length)
    words = filter_input_words(
        counts, get_allowed_chars(counts, max_unique_chars), max_input_tokens
    )
    return learn_binary_search(words, lower, upper, params)
