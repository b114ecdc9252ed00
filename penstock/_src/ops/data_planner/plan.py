"""The plan of a pipeline: the pipeline that runs in its place, as its options allow."""

import copy
from typing import Any

from penstock._src.ops.data.occurrences import in_own_steps
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data_planner.rules import AT_THE_END, STEPWISE, Rule
from penstock._src.proto.dataset import Options

_NEEDS_TUNING = ("map_parallelization", "filter_parallelization", "inject_prefetch")


def rules_allowed(options: Any, rules: dict[str, tuple[Rule, bool]]) -> list[Rule]:
    """The rules that options ask for, or leave on."""
    asked, tuning = options.optimization_options, options.autotune_options
    usual = not asked.HasField("apply_default_optimizations") or asked.apply_default_optimizations
    tunes = tuning.enabled or not tuning.HasField("enabled")
    allowed = []
    for name, (rule, default) in rules.items():
        is_on = getattr(asked, name) if asked.HasField(name) else default and usual
        if is_on and (tunes or name not in _NEEDS_TUNING):
            allowed.append(rule)
    return allowed


def planned(dataset: Pipeline) -> Pipeline:
    """The pipeline to run in place of a dataset: equal elements, equal errors.

    The same pipeline is returned every time.
    """
    if dataset.plan is None:
        replacement = in_own_steps(_planned(dataset) or dataset, _is_rewritten(dataset))
        dataset.plan = (None if replacement is dataset else replacement,)
    (replacement,) = dataset.plan
    return dataset if replacement is None else replacement


def _is_rewritten(dataset: Pipeline) -> bool:
    """True if options leave any rewrite on; without one, TensorFlow does not tell occurrences of a dataset apart."""
    asked = Options.FromString(dataset.options().get("serialized", b"")).optimization_options
    by_default = not asked.HasField("apply_default_optimizations")
    return by_default or any(value is True for _, value in asked.ListFields())


def _planned(dataset: Pipeline) -> Pipeline | None:
    """The plan, or None if it is the dataset itself."""
    if not _may_change(dataset):
        return None
    options = Options.FromString(dataset.options().get("serialized", b""))
    dataset_planned = rewritten(dataset, rules_allowed(options, STEPWISE), {})
    dataset_planned = at_the_end(dataset_planned, rules_allowed(options, AT_THE_END))
    if dataset_planned is dataset:
        return None
    dataset_planned.plan = (None,)
    return dataset_planned


def _may_change(step: Pipeline) -> bool:
    return not step.is_fixed and all(map(_may_change, step.inputs))


def with_inputs(step: Pipeline, inputs: list[Pipeline]) -> Pipeline:
    """The step with other inputs; itself if they are the same."""
    if all(one is other for one, other in zip(inputs, step.inputs)):
        return step
    copied = copy.copy(step)
    copied.inputs, copied.plan = tuple(inputs), None
    return copied


def rewritten(step: Pipeline, rules: list[Rule], known: dict[int, Pipeline]) -> Pipeline:
    """The step after the rules, from the sources on; `known` has those that other steps have, too."""
    replacement = known.get(id(step))
    if replacement is None:
        replacement = with_inputs(step, [rewritten(source, rules, known) for source in step.inputs])
        for rule in rules:
            replacement = rule(replacement) or replacement
        known[id(step)] = replacement
    return replacement


def at_the_end(step: Pipeline, rules: list[Rule]) -> Pipeline:
    """The pipeline with its last step after the rules; options may follow."""
    if step.passes_on and step.inputs:
        return with_inputs(step, [at_the_end(step.inputs[0], rules)])
    for rule in rules:
        step = rule(step) or step
    return step
