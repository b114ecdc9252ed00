"""Sequences of states with the best scores, under constraints on transitions."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX

_NOT_POSSIBLE = -1


class ConstrainedSequence(Op):
    """The best sequence of states for each row of scores, as a whole (Viterbi) or step by step."""

    signature = """scores: float32, sequence_lengths: Tin, allowed_transitions: bool, transition_weights: float32
        -> states: int32, states_splits: Tsplits"""
    Tin = INDEX
    Tsplits: INDEX = dtypes.int64
    use_viterbi: bool
    use_log_space: bool
    use_start_and_end_states: bool
    differentiable = False

    def shape(self, scores, sequence_lengths, allowed_transitions, transition_weights):
        rows = sequence_lengths[0] if sequence_lengths.rank == 1 else None
        return [None], [None if rows is None else rows + 1]

    def eager(self, scores, sequence_lengths, allowed_transitions, transition_weights):
        if scores.ndim not in (2, 3):
            raise self.invalid(
                f"Scores must be of rank 2 or 3. Received shape {list(scores.shape)}."
            )
        scores = scores if scores.ndim == 3 else scores[None]
        lengths = sequence_lengths.reshape(-1)
        if len(lengths) != len(scores):
            raise self.invalid(
                f"There should be exactly one length for every batch element. Found {len(lengths)} length elements for a batch size of {len(scores)}"
            )
        if len(lengths) and lengths.max() > scores.shape[1]:
            raise self.invalid("The scores tensor is too short for the longest sequence length.")
        steps = self._steps(scores.shape[2], allowed_transitions, transition_weights)
        find = _viterbi if self.use_viterbi else _greedy
        paths = [
            find(scores[row, : lengths[row]].astype(np.float32), *steps, self.use_log_space)
            if lengths[row]
            else []
            for row in range(len(scores))
        ]
        splits = np.append(0, np.cumsum([len(states) for states in paths], dtype=np.int64))
        flat = [state for states in paths for state in states]
        return np.array(flat, np.int32), splits.astype(self.Tsplits.np)

    def _steps(self, states, allowed, weights):
        """Masks of allowed steps between states, to the first and from the last, and their weights."""
        size = states + self.use_start_and_end_states
        for name, values in (("allowed_transitions", allowed), ("transition_weights", weights)):
            if values.size and values.shape != (size, size):
                raise self.invalid(
                    f"{name} must have the shape [{size}, {size}]. Received {list(values.shape)}."
                )
        neutral = np.float32(0 if self.use_log_space else 1)
        weights = weights if weights.size else np.full((size, size), neutral, np.float32)
        allowed = allowed if allowed.size else np.ones((size, size), bool)
        if not self.use_log_space and (weights < 0).any():
            raise self.invalid("The transition weights tensor must not contain negative values.")
        if not self.use_start_and_end_states:
            ones, none = np.ones(states, bool), np.full(states, neutral)
            return allowed, weights, ones, none, ones, none
        inner = slice(0, states)
        return (
            allowed[inner, inner],
            weights[inner, inner],
            allowed[-1, inner],
            weights[-1, inner],
            allowed[inner, -1],
            weights[inner, -1],
        )


def _joined(a, b, in_log_space):
    return a + b if in_log_space else a * b


def _where(allowed, values):
    return np.where(allowed, values, -np.inf)


def _viterbi(scores, allowed, weights, from_start, start, to_end, end, in_log_space):
    if not in_log_space:
        # A sequence that is as improbable as zero is not taken for one that is not allowed.
        scores = scores.astype(np.float64)
    best = _where(from_start, _joined(scores[0], start, in_log_space))
    before = []
    for step in scores[1:]:
        ways = _where(
            allowed & (best > -np.inf)[:, None],
            _joined(np.where(best > -np.inf, best, 0)[:, None], weights, in_log_space),
        )
        before.append(np.argmax(ways, axis=0))
        reached = ways.max(axis=0)
        best = _where(
            reached > -np.inf, _joined(np.where(reached > -np.inf, reached, 0), step, in_log_space)
        )
        if not in_log_space:
            # Only ratios count: scaling keeps long sequences from vanishing.
            top = best[best > -np.inf].max(initial=0)
            best = np.where(best > -np.inf, best / top, best) if top > 0 else best
    last = _where(
        to_end & (best > -np.inf), _joined(np.where(best > -np.inf, best, 0), end, in_log_space)
    )
    if not (last > -np.inf).any():
        return [_NOT_POSSIBLE] * len(scores)
    states = [int(np.argmax(last))]
    for back in reversed(before):
        states.append(int(back[states[-1]]))
    return states[::-1]


def _greedy(scores, allowed, weights, from_start, start, to_end, end, in_log_space):
    states: list[int] = []
    for number, step in enumerate(scores):
        is_allowed = allowed[states[-1]] if states else from_start
        if states and states[-1] == _NOT_POSSIBLE:
            is_allowed = np.zeros_like(is_allowed)
        own = _joined(step, weights[states[-1]] if states else start, in_log_space)
        if number == len(scores) - 1:
            is_allowed = is_allowed & to_end
            own = _joined(own, end, in_log_space)
        ways = _where(is_allowed, own)
        states.append(int(np.argmax(ways)) if (ways > -np.inf).any() else _NOT_POSSIBLE)
    return states
