"""Functions that share variables: their scopes, and what their later calls may create."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def _variable(name="w", trainable=True):
    return v1.get_variable(name, [], initializer=tf.zeros_initializer(), trainable=trainable)


@pytest.fixture(params=["eager", "graph"])
def mode(request):
    if request.param == "eager":
        yield request.param
    else:
        with tf.Graph().as_default():
            yield request.param


@pytest.mark.usefixtures("mode")
def test_each_template_has_a_scope_of_its_own():
    first, second = (v1.make_template("name", _variable) for _ in range(2))
    assert first() is first()
    with v1.variable_scope("ignored"):
        assert first().name == "name/w:0"
    assert second().name == "name_1/w:0"


@pytest.mark.usefixtures("mode")
def test_nested_templates_share_variables_with_the_outer_one_only():
    def outer():
        return [v1.make_template("inner", _variable)() for _ in range(2)]

    first, second = (v1.make_template("outer", outer) for _ in range(2))
    made = first()
    assert [v.name for v in made] == ["outer/inner/w:0", "outer/inner_1/w:0"]
    assert all(a is b for a, b in zip(made, first(), strict=True))
    assert [v.name for v in second()] == ["outer_1/inner/w:0", "outer_1/inner_1/w:0"]
    assert first.variables == made


@pytest.mark.usefixtures("mode")
def test_a_later_call_must_not_create_trainable_variables():
    template = v1.make_template("name", _variable)
    template(name="a")
    with pytest.raises(ValueError, match="after the first time|does not exist"):
        template(name="b")


def test_templates_need_a_name_and_graphs():
    with pytest.raises(ValueError, match="name cannot be None"):
        v1.make_template(None, _variable)
    with pytest.raises(ValueError, match="cannot be used when eager execution is enabled"):
        v1.make_template("name", _variable, unique_name_="exact")


@pytest.mark.usefixtures("mode")
def test_variables_are_dependencies_of_the_innermost_template():
    def outer():
        return _variable("a"), v1.make_template("inner", _variable)()

    template = v1.make_template("outer", outer)
    a, w = template()
    children = template._trackable_children()
    assert list(children) == ["a", "inner"] and children["a"] is a
    assert children["inner"]._trackable_children()["w"] is w


def test_restored_slots_are_no_dependencies(tmp_path):
    def made():
        template, rule = v1.make_template("t", _variable), v1.train.AdamOptimizer(0.1)
        return template, rule, tf.train.Checkpoint(template=template, rule=rule)

    template, rule, checkpoint = made()
    w = template()
    rule.minimize(lambda: w * 3.0)
    path = checkpoint.save(str(tmp_path / "c"))
    template, again, checkpoint = made()
    status = checkpoint.restore(path)
    assert template() == w and list(template._trackable_children()) == ["w"]
    again.minimize(lambda: template() * 0.0)
    status.assert_consumed()
    assert again.get_slot(template(), "m") == 0.9 * rule.get_slot(w, "m")
