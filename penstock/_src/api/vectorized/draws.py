"""Rules of random numbers: one draw for all rows.

They consume a stream like TensorFlow's vectorized code, so that a seed gives the same numbers. Stateless operations have
no rule: each row draws from its own seed. Nor have those of generators: each draws for one row after another, after the draws
of the first row that TensorFlow makes when it runs the function of one row for its effects.
"""

import numpy as np

from penstock._src.api.vectorized.rules import rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.registry import raw


@rule("RandomGamma", "RandomPoissonV2")
def of_parameters(step: Step) -> list:
    """Draws for the parameters of all rows, which are the last axes."""
    shape = step.common(0)
    if not step.is_stacked(1):
        return step.run(step.prefixed(shape), step.common(1))
    draws = step.run(shape, step.values[1].tensor)[0]
    before = shape.shape[0]
    order = np.arange(before + 1 + step.rank(1))
    order = np.concatenate([[before], np.delete(order, before)]).astype(np.int32)
    return [raw.Transpose(x=draws, perm=order)]


@rule("Multinomial")
def of_logits(step: Step) -> list:
    """Draws for the logits of all rows, or additional samples if they are common."""
    count = step.common(1)
    if step.is_stacked(0):
        return [step.parted(step.run(step.merged(step.values[0].tensor), count)[0])]
    draws = step.run(step.common(0), raw.Mul(x=count, y=step.count))[0]
    shape = step.other("Pack", [-1, step.count, count])[0]
    return [raw.Transpose(x=raw.Reshape(tensor=draws, shape=shape), perm=[1, 0, 2])]
