"""States and algorithms of tf.random.Generator; expected values are TensorFlow's."""

import subprocess
import sys

import numpy as np
import pytest

import penstock as tf

Generator = tf.random.Generator


def test_the_automatic_choice_draws_as_philox():
    chosen, philox = Generator.from_seed(3, alg="auto_select"), Generator.from_seed(3, alg="philox")
    assert (chosen.algorithm, philox.algorithm) == (3, 1)
    np.testing.assert_array_equal(chosen.normal([4]), philox.normal([4]))
    np.testing.assert_array_equal(chosen.make_seeds(2), philox.make_seeds(2))


def test_a_variable_is_the_state_itself():
    state = tf.Variable([1, 2, 3], dtype=tf.int64)
    generator = Generator.from_state(state, alg="philox")
    generator.normal([2])
    assert generator.state is state and state.numpy().tolist() != [1, 2, 3]
    assert Generator(copy_from=generator).state is not state


@pytest.mark.parametrize("state", [[1, 2], [1, 2, 3, 4], [[1, 2, 3]], 1])
def test_states_have_the_size_of_their_algorithm(state):
    with pytest.raises(ValueError, match="and \\[3\\] are incompatible"):
        Generator.from_state(state, alg=1)


def test_seeds_and_words_are_taken_modulo_two_to_the_64():
    assert Generator.from_seed([2**63 - 1, -1]).state.numpy().tolist() == [0, 2**63 - 1, -1]
    state = Generator.from_key_counter(2**64 - 1, [0, 2**63], 1).state
    assert state.numpy().tolist() == [0, -(2**63), -1]


def test_states_of_seeds_are_made_in_functions():
    make = tf.function(lambda seed: tf.random.create_rng_state(seed, "threefry"))
    assert make(tf.constant(5)).numpy().tolist() == [0, 5]
    assert make(tf.constant([5, 6, 7])).numpy().tolist() == [5, 6]


def test_unknown_algorithms_are_refused():
    for alg in (7, "other", tf.constant(0)):
        with pytest.raises(ValueError, match="unsupported value"):
            Generator.from_seed(1, alg=alg)


def test_integers_without_bounds_have_their_whole_range():
    first, second = Generator.from_seed(1), Generator.from_seed(1)
    np.testing.assert_array_equal(
        first.uniform([3], minval=None, maxval=None, dtype=tf.int32),
        second.uniform_full_int([3], dtype=tf.int32),
    )
    with pytest.raises(ValueError, match="minval and maxval must be both `None` or both"):
        first.uniform([3], dtype=tf.int32)


@pytest.mark.parametrize("delta, counter", [(-1, 513), (-7, -1023), (-(2**40), -281474976709887)])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_a_negative_number_of_draws_moves_back(delta, counter, wrap):
    generator = Generator.from_seed(1)
    generator.normal([3])
    wrap(lambda: generator.skip(delta))()
    assert generator.state.numpy().tolist() == [counter, 0, 0]


def test_generators_draw_by_threefry_on_accelerators_only():
    with pytest.raises(tf.errors.UnimplementedError, match="ThreeFry"):
        Generator.from_seed(1, alg="threefry").normal([2])


# In a process of its own: no tf.function has loaded what it needs.
_MADE_WITHIN = """
import penstock as tf

held = []

def drawn(x):
    if not held:
        held.append(tf.random.Generator.from_seed(7))
    return held[0].uniform([2], 0, 100, tf.int64) + x

print([each.numpy().tolist() for each in tf.data.Dataset.range(2).map(drawn)])
"""


def test_a_generator_may_be_made_by_the_function_of_a_dataset():
    done = subprocess.run([sys.executable, "-c", _MADE_WITHIN], capture_output=True, text=True)
    generator = Generator.from_seed(7)
    wanted = [(generator.uniform([2], 0, 100, tf.int64) + at).numpy().tolist() for at in range(2)]
    assert done.stdout.strip() == str(wanted), done.stderr


def test_a_tensor_of_a_graph_is_no_initial_value_outside_of_it():
    with tf.Graph().as_default():
        tensor = tf.constant([1.0])
    with pytest.raises(TypeError, match="belongs to a graph"):
        tf.Variable(tensor)


def test_a_split_within_a_function_has_effect_once():
    """The states of the parts are the initial values of two variables."""
    outer, parts = Generator.from_seed(3), []

    @tf.function
    def drawn():
        if not parts:
            parts.extend(outer.split(2))
        return parts[1].uniform([2], 0, 100, tf.int32)

    assert drawn().numpy().tolist() == [79, 26]  # as eagerly
    assert outer.state.numpy().tolist() == [515, 0, 0]
    assert [part.state.numpy()[2] for part in parts] == [7657373526131797801, 7872641813117997903]
