"""Update rules for some rows, in programs: the variables become what the host makes of them, also where rows repeat."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import find, index, raw
from penstock._src.ops.state.training import is_variable

RULES = [name for name in index() if name.startswith("ResourceSparseApply")]
SCALARS = {"lr_power": np.float32(-0.5), "global_step": np.int64(3)}


@pytest.mark.parametrize("indices", [[3, 1, 5, 7], [3, 1, 3, 7, 3, 1]], ids=["once", "repeated"])
@pytest.mark.parametrize("name", RULES)
def test_compiled_updates_of_rows_equal_eager_ones(name, indices):
    random = np.random.default_rng(0)
    rule = find(name)
    known = {
        "indices": np.array(indices, "int32"),
        "grad": random.normal(size=(len(indices), 3)).astype("float32"),
        **SCALARS,
    }
    inputs = {a.name: known.get(a.name, np.float32(0.3)) for a in rule.inputs if not is_variable(a)}
    slots = {
        a.name: np.sort(random.uniform(0.5, 1, (20, 3)).astype("float32"), 0)
        for a in rule.inputs
        if is_variable(a)
    }

    def updated(compiled):
        variables = {slot: tf.Variable(value) for slot, value in slots.items()}
        handles = {slot: variable.handle for slot, variable in variables.items()}
        function = tf.function(lambda: getattr(raw, name)(**handles, **inputs), autograph=False)
        if compiled:
            function()
            graph = function.get_concrete_function().graph_function
            assert not graph.executable.host_ops
        else:
            getattr(raw, name)(**handles, **inputs)
        return [variable.numpy() for variable in variables.values()]

    for found, expected in zip(updated(True), updated(False), strict=True):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-6)


def test_an_index_out_of_range_is_an_error():
    variable = tf.Variable(np.zeros((3, 2), "float32"))
    update = tf.function(
        lambda i: raw.ResourceSparseApplyProximalGradientDescent(
            var=variable.handle, alpha=1.0, l1=0.0, l2=0.0, grad=np.ones((1, 2), "f"), indices=i
        )
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        update(np.array([3]))
