"""The best sequences of states, and the best trees."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged, ragged_rows
from penstock._src.util.export import export


def _sequences(scores: Any, lengths: Any, allowed: Any, weights: Any, **attributes: Any) -> Any:
    scores = dense_or_ragged(scores, name="score_data")
    if isinstance(scores, RaggedTensor):
        lengths = scores.row_lengths()
        scores = scores.to_tensor(default_value=0)
    elif lengths is not None:
        lengths = convert_to_tensor(lengths)
    else:
        shape = raw.Shape(input=scores)
        lengths = raw.Fill(dims=shape[:1], value=shape[-2])
    states, splits = raw.ConstrainedSequence(
        scores=scores,
        sequence_lengths=lengths,
        allowed_transitions=convert_to_tensor(
            [] if allowed is None else allowed, dtype=dtypes.bool_
        ),
        transition_weights=convert_to_tensor(
            [] if weights is None else weights, dtype=dtypes.float32
        ),
        **attributes,
    )
    return ragged_rows(states, splits)


@export("text.viterbi_constrained_sequence", v1=[])
def viterbi_constrained_sequence(
    scores: Any,
    sequence_length: Any = None,
    allowed_transitions: Any = None,
    transition_weights: Any = None,
    use_log_space: bool = False,
    use_start_and_end_states: bool = True,
    name: str | None = None,
) -> Any:
    """Returns the sequences of states with the best scores as a whole.

    Args:
      scores: float32 [batch, steps, states], of each state at each step; a ragged tensor has steps of its own for each sequence.
      sequence_length: the number of steps of each sequence; by default all.
      allowed_transitions: bool [states, states], whether the second may follow the first; with one more state, the last, for the begin and the end.
      transition_weights: float32 of the same shape.
      use_log_space: whether scores and weights are added rather than multiplied.
      use_start_and_end_states: whether there is that state.
      name: of the operation.

    Returns:
      int32 states, ragged; -1 where no sequence is allowed.

    Raises:
      InvalidArgumentError: shapes do not fit, or weights are negative outside of log space.

    >>> tf.text.viterbi_constrained_sequence([[[1.0, 5.0], [4.0, 2.0]]], use_start_and_end_states=False).to_list()
    [[1, 0]]
    """
    return _sequences(
        scores,
        sequence_length,
        allowed_transitions,
        transition_weights,
        use_viterbi=True,
        use_log_space=use_log_space,
        use_start_and_end_states=use_start_and_end_states,
        name=name,
    )


@export("text.greedy_constrained_sequence", v1=[])
def greedy_constrained_sequence(
    scores: Any,
    sequence_length: Any = None,
    allowed_transitions: Any = None,
    transition_weights: Any = None,
    use_log_space: bool = False,
    use_start_and_end_states: bool = False,
    name: str | None = None,
) -> Any:
    """Returns sequences of the states with the best scores at each step, given the one before.

    Args:
      scores: float32 [batch, steps, states], of each state at each step; a ragged tensor has steps of its own for each sequence.
      sequence_length: the number of steps of each sequence; by default all.
      allowed_transitions: bool [states, states], whether the second may follow the first; with one more state, the last, for the begin and the end.
      transition_weights: float32 of the same shape.
      use_log_space: whether scores and weights are added rather than multiplied.
      use_start_and_end_states: whether there is that state.
      name: of the operation.

    Returns:
      int32 states, ragged; -1 where no state is allowed.

    Raises:
      InvalidArgumentError: shapes do not fit, or weights are negative outside of log space.

    >>> tf.text.greedy_constrained_sequence([[[1.0, 5.0], [4.0, 2.0]]]).to_list()
    [[1, 0]]
    """
    return _sequences(
        scores,
        sequence_length,
        allowed_transitions,
        transition_weights,
        use_viterbi=False,
        use_log_space=use_log_space,
        use_start_and_end_states=use_start_and_end_states,
        name=name,
    )


@export("text.max_spanning_tree", v1=[])
def max_spanning_tree(
    num_nodes: Any, scores: Any, forest: bool = False, name: str | None = None
) -> Any:
    """Returns the maximum spanning tree of each of several directed graphs.

    Args:
      num_nodes: int32 [batch], how many nodes each graph has.
      scores: [batch, nodes, nodes], of the arc from s to t at [t, s], and of t as a root at [t, t].
      forest: whether there may be several roots.
      name: of the operation.

    Returns:
      The sum of scores of each tree, and int32 [batch, nodes]: the source of the arc into each node, itself for a root, -1 beyond the nodes.

    Raises:
      InvalidArgumentError: shapes do not fit.

    >>> tree = tf.text.max_spanning_tree([2], [[[3.0, 0.0], [2.0, 1.0]]])
    >>> tree.max_scores.numpy(), tree.argmax_sources.numpy()
    (array([5.], dtype=float32), array([[0, 0]], dtype=int32))
    """
    return raw.MaxSpanningTree(num_nodes=num_nodes, scores=scores, forest=forest, name=name)


@export("text.max_spanning_tree_gradient", v1=[])
def max_spanning_tree_gradient(mst_op: Any, d_loss_d_max_scores: Any, *_: Any) -> tuple[None, Any]:
    """Returns the gradient of `max_spanning_tree`: that of the sums goes to the scores of the chosen arcs.

    Args:
      mst_op: the operation.
      d_loss_d_max_scores: the gradient of its sums.
      *_: is not used.

    Returns:
      None, and the gradient of the scores.

    Raises:
      InvalidArgumentError: the gradient has no type.
    """
    kind = d_loss_d_max_scores.dtype.base_dtype
    if kind is None:
        raise InvalidArgumentError("max_spanning_tree_gradient: the gradient has no type.")
    sources = mst_op.outputs[1]
    one, zero = (convert_to_tensor(n, dtype=kind) for n in (1, 0))
    chosen = raw.OneHot(
        indices=sources, depth=raw.Shape(input=sources)[1], on_value=one, off_value=zero
    )
    return None, chosen * raw.ExpandDims(
        input=raw.ExpandDims(input=d_loss_d_max_scores, axis=-1), axis=-1
    )
