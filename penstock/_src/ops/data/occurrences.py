"""The occurrences of a dataset in the pipeline that is iterated over: as in TensorFlow, each is a step of its own.

A dataset that occurs twice in a pipeline has two streams of random numbers and of seeds. A dataset that a function captures is
no step of the pipeline: all that the function opens share their streams. A dataset that a function makes belongs to its step.
"""

import copy
from typing import Any

from penstock._src.ops.data.iteration.seeds import SeedGenerator
from penstock._src.ops.data.pipeline import Pipeline


class _Occurrence:
    """The identity of a step at one position of a pipeline."""


def in_own_steps(dataset: Pipeline, draws_apart: bool = True) -> Pipeline:
    """The pipeline with steps of its own where they draw seeds or random numbers that begin anew.

    Args:
      dataset: a pipeline.
      draws_apart: whether functions of equal steps draw from streams of their own, too.
    """
    return _copied(dataset, {}, draws_apart)


def made_within(step: Pipeline, captured: Any, made: Pipeline) -> Pipeline:
    """A dataset that a function of a step made, of which it captured some parts, as one of the step's occurrence."""
    if step.occurrence is None or any(made is value for value in captured):
        return made
    inputs = tuple([made_within(step, captured, source) for source in made.inputs])
    is_same = all(one is other for one, other in zip(inputs, made.inputs, strict=True))
    if is_same and made.external_state() is None:
        return made
    copied = copy.copy(made)
    copied.inputs, copied.plan, copied.occurrence = inputs, None, step.occurrence
    return copied


def _copied(step: Pipeline, known: dict[int, bool], draws_apart: bool) -> Pipeline:
    if not _has_streams(step, known, draws_apart):
        return step
    copied = copy.copy(step)
    copied.inputs = tuple([_copied(source, known, draws_apart) for source in step.inputs])
    copied.plan = (None,)
    if draws_apart and step.external_state() is not None:
        copied.occurrence = _Occurrence()
    if isinstance(copied.seeds, SeedGenerator) and copied.seeds.restarts:
        copied.seeds = copied.seeds.renewed()
    return copied


def _has_streams(step: Pipeline, known: dict[int, bool], draws_apart: bool) -> bool:
    """True if a step, or one before it, has streams of its own; `known` has the answers for other steps."""
    answer = known.get(id(step))
    if answer is None:
        answer = known[id(step)] = (
            any([_has_streams(source, known, draws_apart) for source in step.inputs])
            or (isinstance(step.seeds, SeedGenerator) and step.seeds.restarts)
            or (draws_apart and step.external_state() is not None)
        )
    return answer
