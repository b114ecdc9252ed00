"""Viterbi decoding of one sequence, with NumPy."""

from typing import Any

import numpy as np


def decode(
    score: Any,
    transition_params: Any = None,
    allowed_transitions: Any = None,
    use_log_space: bool = True,
    use_start_and_end_states: bool = False,
) -> tuple[list[int], Any]:
    """Returns the sequence of states with the best score, and that score.

    Args:
      score: [steps, states].
      transition_params: [states, states], the weight of the second behind the first; with one more state, the last, for the begin and the end.
      allowed_transitions: bools of the same shape.
      use_log_space: whether scores and weights are added rather than multiplied.
      use_start_and_end_states: whether there is that state.

    Returns:
      The states, and the score.

    Raises:
      ValueError: weights are negative outside of log space.
    """
    score = np.asarray(score)
    states = score.shape[-1]
    if transition_params is None:
        transition_params = np.full((states, states), 0.0 if use_log_space else 1.0)
    weights = np.asarray(transition_params, np.float64)
    if allowed_transitions is not None:
        weights = weights * np.where(allowed_transitions, 1, -np.inf if use_log_space else 0.0)
    if not use_log_space and (weights < 0).any():
        raise ValueError("Transition params must be non-negative in exp space.")
    join = np.add if use_log_space else np.multiply
    start = end = 0.0 if use_log_space else 1.0
    if use_start_and_end_states:
        start, end, weights = weights[-1, :-1], weights[:-1, -1], weights[:-1, :-1]
    best, scale, before = join(score[0], start), 1.0, []
    for step in range(len(score)):
        if step:
            ways = join(best[:, None], weights)
            before.append(np.argmax(ways, axis=0))
            best = join(score[step], ways.max(axis=0))
        if not use_log_space:
            scale, best = scale * best.max(), best / best.max()
    last = join(best, end)
    path = [int(np.argmax(last))]
    for back in reversed(before):
        path.append(int(back[path[-1]]))
    return path[::-1], last.max() if use_log_space else last.max() * scale
