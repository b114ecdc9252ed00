"""What Savers refuse, and what they do without variables."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


def test_a_variable_is_saved_under_one_name(session):
    variable = v1.Variable(1.0, name="v")
    with pytest.raises(ValueError, match="At least two variables have the same name: v"):
        v1.train.Saver([variable, variable])


def test_sessions_are_sessions(session, tmp_path):
    v1.Variable(1.0)
    for given in (3, None):
        with pytest.raises(TypeError, match=f"'sess' must be a Session; {given}"):
            v1.train.Saver().save(given, str(tmp_path / "c"))


def test_steps_are_integers_or_tensors(session, tmp_path):
    session.run(v1.Variable(1.0).initializer)
    with pytest.raises(TypeError, match="3.5 has invalid type"):
        v1.train.Saver().save(session, str(tmp_path / "c"), global_step=3.5)


def test_nothing_is_written_without_variables(session, tmp_path):
    assert v1.train.Saver(allow_empty=True).save(session, str(tmp_path / "c")) is None
    assert list(tmp_path.iterdir()) == []


def test_listings_name_the_types(session, tmp_path):
    session.run(v1.Variable([1.0], name="v").initializer)
    path = v1.train.Saver().save(session, str(tmp_path / "c"))
    assert v1.train.NewCheckpointReader(path).debug_string() == b"v (DT_FLOAT) [1]\n"


def test_values_that_nothing_takes_are_shown_with_their_objects(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0)).save(tmp_path / "c")
    with pytest.raises(AssertionError, match=r"\(root\).a: attributes {"):
        tf.train.Checkpoint().restore(path).assert_consumed()
    with pytest.raises(AssertionError, match=r"\(root\).a \(.*Module.*\): \['VARIABLE_VALUE'\]"):
        tf.train.Checkpoint(a=tf.Module()).restore(path).assert_consumed()


def test_checkpoints_by_name_may_have_more(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [v1.Variable(1.0, name=name) for name in "vw"]
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver(variables).save(session, str(tmp_path / "c"))
    tf.train.Checkpoint(x=tf.Variable(0.0, name="v")).restore(path).assert_consumed()
    with pytest.raises(AssertionError, match=r"attributes which were not restored: \n.*: \['q'\]"):
        tf.train.Checkpoint(x=tf.Variable(0.0, name="q")).restore(path).assert_consumed()
