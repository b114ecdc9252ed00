"""Vocabularies learned from datasets of texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.text.tokenizers.bert import BasicTokenizer
from penstock._src.text.vocabulary.learning import count_words, learn


def bert_vocab_from_dataset(
    dataset: Any,
    vocab_size: int,
    reserved_tokens: Sequence[str],
    bert_tokenizer_params: Mapping[str, Any] | None = None,
    learn_params: Mapping[str, Any] | None = None,
) -> list[str]:
    """Returns the vocabulary of pieces for a `BertTokenizer`, learned from texts.

    Args:
      dataset: a dataset of string tensors.
      vocab_size: that is wanted.
      reserved_tokens: that come first.
      bert_tokenizer_params: arguments of BERT's tokenizer of words, such as `lower_case`.
      learn_params: more arguments of `wordpiece_tokenizer_learner_lib.learn`.

    Returns:
      The pieces.

    Raises:
      TypeError: elements of the dataset are not single tensors.
    """
    if not hasattr(dataset.element_spec, "shape"):
        raise TypeError("The dataset should contain single-tensor elements.")
    tokenizer = BasicTokenizer(**(bert_tokenizer_params or {}))
    return learn(
        count_words(dataset.map(tokenizer.tokenize)),
        vocab_size,
        reserved_tokens,
        **(learn_params or {}),
    )
