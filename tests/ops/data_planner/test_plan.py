"""Plans: rewritten pipelines give the elements and the errors of the pipelines as written."""

import pytest

import penstock as tf
from penstock._src.ops.data_planner.plan import planned

Dataset = tf.data.Dataset


def with_switches(dataset, **switches):
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    for name, value in switches.items():
        setattr(options.experimental_optimization, name, value)
    return dataset.with_options(options)


def steps(dataset):
    """The kinds of the steps that run, the last first."""
    found, step = [], planned(dataset._variant_tensor._value)
    while True:
        if not step.passes_on:
            found.append(step.kind.removesuffix("Dataset"))
        if not step.inputs:
            return found
        (step,) = step.inputs


def outcomes(dataset, most=100):
    """The elements and the messages of errors, in order."""
    found, iterator = [], iter(dataset)
    for _ in range(most):
        try:
            found.append(tf.nest.map_structure(lambda t: t.numpy().tolist(), next(iterator)))
        except StopIteration:
            return found
        except tf.errors.InvalidArgumentError as error:
            found.append(type(error).__name__)
    return found


def divided(x):
    return 12 // x


PIPELINES = {
    "noops": lambda: Dataset.range(5).skip(0).take(-1).repeat(1).shard(1, 0).map(lambda x: x),
    "two maps": lambda: Dataset.range(5).map(lambda x: x + 1).map(lambda x: (x, x * 2)),
    "captures": lambda: _with_captures(),
    "filters": lambda: Dataset.range(20).filter(lambda x: x % 2 == 0).filter(lambda x: x > 5),
    "errors": lambda: Dataset.range(-3, 4).map(divided).map(lambda x: x + 1),
    "errors in batches": lambda: Dataset.range(-3, 8).map(divided).batch(3),
    "filter with errors": lambda: Dataset.range(-3, 4).filter(lambda x: 12 // x > 3),
    "random": lambda: Dataset.range(6).map(
        lambda x: x + tf.random.uniform([], 0, 9, tf.int64, seed=3)
    ),
    "shuffled": lambda: Dataset.range(9).shuffle(4, seed=1).map(lambda x: x * 3).repeat(2).batch(4),
    "shared": lambda: _shared(),
}


def _with_captures():
    one, two = tf.constant(3, tf.int64), tf.constant(5, tf.int64)
    return Dataset.range(5).map(lambda x: x * one).map(lambda x: x + two)


def _shared():
    once = Dataset.range(6).shuffle(6, seed=2).map(lambda x: x + 1)
    return Dataset.zip((once, once))


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize(
    "switch",
    [
        "noop_elimination",
        "map_parallelization",
        "filter_parallelization",
        "map_fusion",
        "inject_prefetch",
    ],
)
def test_each_rule_keeps_elements_and_errors(name, switch):
    tf.random.set_seed(1)
    plain = outcomes(with_switches(PIPELINES[name]()))
    tf.random.set_seed(1)
    assert outcomes(with_switches(PIPELINES[name](), **{switch: True})) == plain


@pytest.mark.parametrize("name", PIPELINES)
def test_the_usual_plan_keeps_elements_and_errors(name):
    # These two, as in TensorFlow, also change which elements a batch with an error has, and the seeds of a next iteration.
    merged = {"map_and_batch_fusion": True, "shuffle_and_repeat_fusion": True}
    tf.random.set_seed(1)
    plain = outcomes(with_switches(PIPELINES[name](), **merged))
    tf.random.set_seed(1)
    assert outcomes(PIPELINES[name]()) == plain


def test_steps_without_effect_are_left_out():
    made = PIPELINES["noops"]()
    assert steps(made) == ["Range"]
    assert steps(with_switches(made)) == ["Map", "Shard", "Repeat", "Take", "Skip", "Range"]


def test_maps_become_one_where_options_ask():
    made = PIPELINES["two maps"]()
    assert steps(with_switches(made, map_fusion=True)) == ["Map", "Range"]


def test_a_map_with_effects_stays_as_it_is():
    seen = []

    def told(x):
        tf.py_function(lambda value: seen.append(int(value)), [x], [])
        return x

    dataset = Dataset.range(4).map(told)
    assert steps(dataset) == ["Map", "Range"]
    iterator = iter(dataset)
    next(iterator)
    assert seen == [0]  # nothing is read ahead
    assert outcomes(dataset) == [0, 1, 2, 3]


def test_variables_are_read_when_an_element_is_computed():
    variable = tf.Variable(1, dtype=tf.int64)
    iterator = iter(Dataset.range(4).map(lambda x: x + variable))
    assert int(next(iterator)) == 1
    variable.assign(10)
    assert int(next(iterator)) == 11


def test_no_rule_is_on_without_autotuning_that_needs_it():
    options = tf.data.Options()
    options.autotune.enabled = False
    made = Dataset.range(4).map(lambda x: x + 1).batch(2)
    assert steps(made) == ["Prefetch", "Batch", "Map", "Range"]
    assert steps(made.with_options(options)) == ["Batch", "Map", "Range"]


@pytest.mark.parametrize("width", [1, 3])
def test_a_number_of_calls_that_was_asked_for_is_kept(width):
    made = Dataset.range(4).map(lambda x: x + 1, num_parallel_calls=width, deterministic=False)
    step = planned(made._variant_tensor._value)
    while step.function is None:
        (step,) = step.inputs
    assert step.width == width
