"""Strategies that programs write: hooks of StrategyExtended, and where its methods may be called."""

import pytest

import penstock as tf

distribute = tf.distribute
SUM = distribute.ReduceOp.SUM


class Extended(distribute.StrategyExtended):
    """Two replicas that run one after the other and have no merge calls."""

    _num_replicas_in_sync = 2

    def _call_for_each_replica(self, fn, args, kwargs):
        results = []
        for number in range(2):
            with distribute.ReplicaContext(self._container_strategy(), number):
                results.append(fn(*args, **kwargs))
        return tuple(results)

    def _create_variable(self, next_creator, **kwargs):
        return next_creator(**{**kwargs, "name": f"own_{kwargs['name']}"})

    def _reduce_to(self, reduce_op, value, destinations, options):
        return tf.add_n(list(value)) if isinstance(value, tuple) else value

    def _reduce(self, reduce_op, value):
        return self.reduce_to(reduce_op, value, "/cpu:0")

    def _local_results(self, val):
        return val if isinstance(val, tuple) else (val,)


@pytest.fixture
def strategy():
    class Own(distribute.Strategy):
        pass

    made = Own(None)
    made._extended = Extended(made)
    return made


def number_of_replica():
    return distribute.get_replica_context().replica_id_in_sync_group


def test_hooks_run_replicas_and_reduce(strategy):
    numbers = strategy.run(number_of_replica)
    assert [int(n) for n in strategy.experimental_local_results(numbers)] == [0, 1]
    assert int(strategy.reduce("sum", numbers, axis=None)) == 1
    assert strategy.num_replicas_in_sync == 2


def test_hooks_create_variables(strategy):
    with strategy.scope():
        assert tf.Variable(1.0, name="v").name == "own_v:0"
    assert tf.Variable(1.0, name="v").name == "v:0"


def test_updates_call_the_function_within_the_scope(strategy):
    def update(variable, value):
        assert distribute.get_strategy() is strategy and distribute.in_cross_replica_context()
        return variable.assign_add(value)

    variable = tf.Variable(1.0)
    strategy.extended.update(variable, update, (tf.constant(2.0),))
    assert float(variable) == 3


def test_functions_of_updates_are_converted(strategy):
    variable = tf.Variable(1.0)

    def double_if_small(v):
        if v < 3.0:
            v.assign(v * 2.0)

    @tf.function
    def step():
        strategy.extended.update(variable, double_if_small)
        strategy.run(lambda: None)

    for _ in range(3):
        step()
    assert float(variable) == 4


def test_methods_across_replicas_are_refused_within_one(strategy):
    with pytest.raises(RuntimeError, match="cross-replica context"):
        strategy.run(lambda: strategy.reduce("SUM", 1.0, axis=None))
    with pytest.raises(RuntimeError, match="Mismatching"):
        distribute.OneDeviceStrategy("/cpu:0").run(strategy.default_replica.merge_call, (print,))


def test_variables_of_another_strategy_are_refused(strategy):
    with distribute.get_strategy().scope(), strategy.scope():
        with pytest.raises(RuntimeError, match="Mixing different tf.distribute.Strategy objects"):
            tf.Variable(1.0, name="v")


def test_scopes_are_entered_again_and_left_in_order(strategy):
    scope = strategy.scope()
    with scope, strategy.scope(), scope:
        assert distribute.get_strategy() is strategy
    scope.__enter__()
    with tf.variable_creator_scope(lambda create, **options: create(**options)):
        with pytest.raises(RuntimeError, match="Variable creator scope nesting error"):
            scope.__exit__(None, None, None)
    scope.__exit__(None, None, None)
    assert not distribute.has_strategy()


def test_the_strategy_of_all_code_creates_its_variables(strategy):
    distribute.experimental_set_strategy(strategy)
    try:
        assert distribute.in_cross_replica_context()
        assert tf.Variable(1.0, name="v").name == "own_v:0"
    finally:
        distribute.experimental_set_strategy(None)
    assert tf.Variable(1.0, name="v").name == "v:0"


def test_means_along_axes_count_the_rows_of_all_replicas():
    strategy = distribute.OneDeviceStrategy("/cpu:0")
    rows = tf.constant([[1.0, 2.0], [3.0, 6.0]])
    assert float(strategy.reduce("MEAN", rows, axis=(0, 1))) == 3
    assert strategy.reduce("SUM", rows, axis=0).numpy().tolist() == [4, 8]


def test_groups_run_their_values():
    strategy = distribute.OneDeviceStrategy("/cpu:0")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.Variable(1.0)
        session.run(variable.initializer)
        session.run(strategy.group((variable.assign_add(1.0),)))
        session.run(strategy.group(variable.assign_add(1.0), name="named"))
        assert session.run(variable) == 3
