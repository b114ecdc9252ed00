"""Similarity of texts."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export("text.metrics.rouge_l", v1=[])
def rouge_l(hypotheses: Any, references: Any, alpha: Any = None) -> Any:
    """Returns ROUGE-L of pairs of texts: how much of each is a subsequence of both.

    Args:
      hypotheses: a ragged matrix of tokens.
      references: another one, with as many rows.
      alpha: from 0, where recall counts alone, to 1, where precision does; negative for the weights of tensor2tensor. None for 0.5.

    Returns:
      The F measure, precision and recall of each row, float32.

    Raises:
      ValueError: an argument is not a ragged matrix, or `alpha` is more than 1.

    >>> f, p, r = tf.text.metrics.rouge_l(tf.ragged.constant([["a", "b"]]), tf.ragged.constant([["b"]]))
    >>> p.numpy(), r.numpy()
    (array([0.5], dtype=float32), array([1.], dtype=float32))
    """
    for name, value in (("hypotheses", hypotheses), ("references", references)):
        if not isinstance(value, RaggedTensor):
            raise ValueError(f"{name} must be a RaggedTensor")
    for name, value in (("hypotheses", hypotheses), ("references", references)):
        if value.ragged_rank != 1:
            raise ValueError(f"{name}.ragged_rank must be 1")
    alpha = 0.5 if alpha is None else alpha
    if isinstance(alpha, (float, int)) and alpha > 1:
        raise ValueError("alpha cannot be greater than 1")
    return raw.RougeL(
        hyp_values=hypotheses.values,
        hyp_splits=hypotheses.row_splits,
        ref_values=references.values,
        ref_splits=references.row_splits,
        alpha=alpha,
    )
