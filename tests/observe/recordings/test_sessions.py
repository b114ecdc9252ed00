"""Recordings of TensorFlow 1's sessions, also with loops and conditions of Switch and Merge."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.observe.recordings.files import read
from penstock._src.observe.recordings.repeated import values_of
from tests.compiler.test_token_flow import powers_of_two

v1 = tf.compat.v1


def record(folder, factor=2.0, is_resource=True, steps=2):
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2], name="x")
        v = v1.get_variable("v", initializer=[1.0, 2.0], use_resource=is_resource)
        _, total = v1.while_loop(
            lambda i, t: i < 3, lambda i, t: (i + 1, t * factor + x), [0, tf.zeros([2])]
        )
        chosen = v1.cond(tf.reduce_sum(total) > 5.0, lambda: tf.square(total), lambda: -total)
        with tf.control_dependencies([v1.assign_add(v, chosen * 0.1)]):
            out = tf.reduce_sum(chosen * v) + tf.random.uniform([], seed=3)
        with v1.Session() as session, tf.debugging.recording(folder):
            session.run(v1.global_variables_initializer())
            return [session.run(out, {x: [1.0, 0.5]}) for _ in range(steps)], session.run(v)


FIRST = record.__code__.co_firstlineno


@pytest.mark.parametrize("is_resource", [True, False], ids=["resource", "reference"])
def test_a_run_with_loops_and_conditions_is_kept_with_its_values(tmp_path, is_resource):
    plain = record(tmp_path / "plain", is_resource=is_resource, steps=2)
    run = read(str(tmp_path / "plain"), 2)  # after the initializer and one step
    computed = values_of(run).computed
    by_name = {}
    for each in computed:
        by_name.setdefault(each.name, []).extend(each.values[:1])
    np.testing.assert_allclose(by_name["mul"][:3], [[0, 0], [2, 1], [6, 3]])
    squares = [c.values[0] for c in computed if c.kind == "Square"]
    np.testing.assert_allclose(squares, [[49.0, 12.25]])
    assert "Neg" not in {c.kind for c in computed}
    np.testing.assert_allclose(run.results[0], plain[0][1])
    (result,) = [c.values[0] for c in computed if c.kind == "AddV2" and c.values[0].shape == ()][
        -1:
    ]
    np.testing.assert_allclose(result, plain[0][1], rtol=1e-6)


def test_loops_and_effects_of_switch_and_merge(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session, tf.debugging.recording(tmp_path):
        v = v1.get_variable("v", initializer=1.0, use_resource=True)
        chosen = v1.placeholder(tf.bool, [])
        no, yes = tf.raw_ops.Switch(data=tf.constant(3), pred=chosen)
        with tf.control_dependencies([tf.identity(no)]):
            added = v.assign_add(tf.random.uniform([]), read_value=False)
        with tf.control_dependencies([added]):
            other = tf.raw_ops.Neg(x=no)
        merged = tf.raw_ops.Merge(inputs=[other, powers_of_two(yes)[0]])[0]
        session.run(v.initializer)
        assert session.run(merged, {chosen: True}) == 3
        assert session.run(merged, {chosen: False}) == -3
        last = session.run(v)
    in_loop, in_branch = (values_of(read(str(tmp_path), step)).computed for step in (1, 2))
    assert [c.values[0] for c in in_loop if c.kind == "Less"] == [True, True, True, False]
    assert [c.values[0] for c in in_loop if c.kind == "AddV2"] == [1, 2, 3]
    assert "Neg" not in {c.kind for c in in_loop} and "Less" not in {c.kind for c in in_branch}
    (drawn,) = (c.values[0] for c in in_branch if c.kind == "RandomUniform")
    assert last == np.float32(1.0) + drawn  # it is drawn once
    assert [int(c.values[0]) for c in in_branch if c.kind == "Merge"][-1] == -3


def test_recording_changes_nothing(tmp_path):
    first, second = record(tmp_path / "a"), record(tmp_path / "b")
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_allclose(first[1], [1 + 9.8, 2 + 2.45], rtol=1e-6)


def test_replay_and_diff(tmp_path, capsys):
    for name, factor in (("a", 2.0), ("b", 2.0), ("c", 2.5)):
        record(tmp_path / name, factor)
    line = f"test_sessions.py:{FIRST + 5}"
    assert main(["replay", str(tmp_path / "a"), "--step", "1", "--line", line]) == 0
    assert "Mul mul = float32[2] [6. 3.]" in capsys.readouterr().out
    folders = [str(tmp_path / name) for name in "abc"]
    assert main(["diff", *folders[:2], "--step", "1"]) == 0
    assert main(["diff", folders[0], folders[2], "--step", "1"]) == 1
    out = capsys.readouterr().out
    assert "first difference: Const mul/y" in out and f"line {FIRST + 5}, in <lambda>" in out
