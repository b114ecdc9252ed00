"""MirroredStrategy over two logical CPUs. The values and messages are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context
from penstock._src.distribute.values import Mirrored, PerReplica

Aggregation, Synchronization = tf.VariableAggregation, tf.VariableSynchronization


@pytest.fixture
def strategy():
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    yield tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    _reset_context()


def context():
    return tf.distribute.get_replica_context()


def number():
    """0.0 in the first replica, 1.0 in the second."""
    return tf.cast(context().replica_id_in_sync_group, tf.float32)


def values(distributed):
    return [np.asarray(value).tolist() for value in distributed.values]


def variable(strategy, aggregation="NONE", synchronization="AUTO", initial=1.0):
    with strategy.scope():
        return tf.Variable(
            initial,
            aggregation=Aggregation[aggregation],
            synchronization=Synchronization[synchronization],
        )


@pytest.mark.parametrize("synchronization", ["AUTO", "ON_READ"])
def test_updates_that_read_nothing_give_nothing_or_an_operation(strategy, synchronization):
    v = variable(strategy, "MEAN", synchronization)
    assert v.assign(2.0, read_value=False) is None

    @tf.function
    def add():
        update = v.assign_add(1.0, read_value=False)
        assert isinstance(update, tf.Operation)
        with tf.control_dependencies([update]):
            return tf.identity(v.values[1])

    assert add().numpy() == 3.0


def test_variables_have_a_copy_for_each_replica(strategy):
    v = variable(strategy)
    assert isinstance(v, tf.Variable) and isinstance(v, tf.distribute.DistributedValues)
    assert type(v).__name__ == "MirroredVariable" and v.trainable
    assert [copy.name for copy in v.values] == ["Variable:0", "Variable/replica_1:0"]
    v.assign(3.0)
    assert values(v) == [3.0, 3.0] and float(v + 1.0) == 4.0
    strategy.extended.update(v, lambda copy, x: copy.assign_add(x), args=(2.0,))
    assert values(v) == [5.0, 5.0]


@pytest.mark.parametrize(
    "aggregation, wanted",
    [
        ("NONE", [5.0, 6.0]),
        ("SUM", [11.0, 11.0]),
        ("MEAN", [5.5, 5.5]),
        ("ONLY_FIRST_REPLICA", [5.0, 5.0]),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_what_replicas_assign_is_aggregated(strategy, aggregation, wanted, compiled):
    v = variable(strategy, aggregation)
    assign = lambda: v.assign(number() + 5)  # noqa: E731
    strategy.run(tf.function(assign) if compiled else assign)
    assert values(v) == wanted


@pytest.mark.parametrize("compiled", [False, True])
def test_a_sync_on_read_variable_of_the_first_replica_is_an_operand(strategy, compiled):
    v = variable(strategy, "ONLY_FIRST_REPLICA", "ON_READ")
    v.assign(3.0)
    add = lambda: tf.raw_ops.AddV2(x=v, y=v)  # noqa: E731
    assert (tf.function(add) if compiled else add)() == 6.0


def test_a_sum_of_one_value_for_all_is_refused(strategy):
    v = variable(strategy, "SUM")
    with pytest.raises(ValueError, match="A non-DistributedValues value 1.0 cannot be reduced"):
        strategy.run(lambda: v.assign_add(1.0))


def test_sync_on_read(strategy):
    v = variable(strategy, "SUM", "ON_READ")
    assert not v.trainable
    strategy.run(lambda: v.assign_add(number() + 5))
    assert values(v) == [6.0, 7.0] and float(v.read_value()) == 13.0
    v.assign(10.0)
    assert values(v) == [5.0, 5.0]
    with pytest.raises(ValueError, match="does not support `assign_add` in cross-replica context"):
        v.assign_add(1.0)
    whole = variable(strategy, "SUM", "ON_READ", 4)
    whole.assign(9)
    assert values(whole) == [4, 4]


def test_reductions(strategy):
    assert float(strategy.reduce("SUM", strategy.run(number), None)) == 1.0
    rows = strategy.run(lambda: tf.range(3.0) + number())
    assert float(strategy.reduce("MEAN", rows, 0)) == 1.5
    assert strategy.gather(rows, 0).numpy().tolist() == [0, 1, 2, 1, 2, 3]
    gathered = strategy.run(lambda: context().all_gather(tf.reshape(number(), [1]), 0))
    assert values(gathered) == [[0, 1], [0, 1]]
    assert strategy.run(lambda: 3) == 3
    assert values(strategy.run(lambda: context().all_reduce("MEAN", number()))) == [0.5, 0.5]


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_pass_through_all_reduce(strategy, compiled):
    def gradient():
        x = number() + 1
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = context().all_reduce("SUM", x * x) * x
        return tape.gradient(y, x)

    assert values(strategy.run(tf.function(gradient) if compiled else gradient)) == [11.0, 17.0]


def test_datasets_are_shared_out(strategy):
    shared = strategy.experimental_distribute_dataset(tf.data.Dataset.range(5).batch(4))
    assert [values(x) for x in shared] == [[[0, 1], [2, 3]], [[4], []]]
    step = tf.function(lambda it: strategy.run(lambda x: x * 2, (next(it),)))
    assert values(step(iter(shared))) == [[0, 2], [4, 6]]

    def make(context):
        return tf.data.Dataset.range(8).batch(context.get_per_replica_batch_size(4))

    own = strategy.distribute_datasets_from_function(make)
    assert [values(x) for x in own] == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


def test_replicas_share_the_variables_they_make(strategy):
    made = []

    def build():
        made.append([tf.Variable(float(i), name=f"v{i}") for i in range(2)])

    strategy.run(build)
    first, second = made
    assert first[0] is second[0] and first[1] is second[1] and first[0] is not first[1]


def test_failures_reach_the_caller(strategy):
    with pytest.raises(ZeroDivisionError):
        strategy.run(lambda: 1 / 0)

    def uneven():
        if context().replica_id_in_sync_group == 0:
            context().merge_call(lambda strategy: 1)

    with pytest.raises(RuntimeError, match="different number of"):
        strategy.run(uneven)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_values_reduced_within_replicas_are_one_for_each(strategy, wrap):
    variable_of_all = variable(strategy)

    def reduced():
        def merge(strategy, value):
            return strategy.extended.reduce_to("sum", value, variable_of_all)

        return context().merge_call(merge, args=(tf.constant(2.0),))

    result = wrap(lambda: strategy.run(reduced))()
    assert isinstance(result, PerReplica) and values(result) == [4.0, 4.0]
    assert float(strategy.reduce("SUM", result, axis=None)) == 8.0


def test_the_cpu_stands_in_for_devices_that_are_not_there(caplog):
    made = tf.distribute.MirroredStrategy(["cpu:0", "GPU:7"])
    assert made.extended.worker_devices[1] == "/job:localhost/replica:0/task:0/device:GPU:7"
    assert "GPU:7" in caplog.text
    with made.scope():
        variable = tf.Variable(1.0)
    assert [float(x) for x in made.run(lambda: variable + 1.0).values] == [2.0, 2.0]
    with pytest.raises(ValueError, match="Unknown attribute 'foo'"):
        tf.distribute.MirroredStrategy(["foo"])
    tf.config.set_soft_device_placement(False)
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match="expected devices among"):
            tf.distribute.MirroredStrategy(["CPU:0", "CPU:7"])
    finally:
        tf.config.set_soft_device_placement(True)


def test_name_scopes_of_replicas_do_not_mix(strategy):
    def step():
        with tf.name_scope("outer"):
            context().all_reduce("SUM", number())
            return tf.identity(number(), name="x")

    @tf.function
    def run():
        result = strategy.run(step)
        assert tf.compat.v1.get_default_graph().get_name_scope() == ""
        return result

    assert values(run()) == [0.0, 1.0]


def test_datasets_of_replicas_reduce(strategy):
    dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(10).batch(4))

    def add(total, batch):
        return total + tf.reduce_sum(strategy.reduce("SUM", batch, axis=0))

    zero = tf.constant(0, tf.int64)
    assert int(dataset.reduce(zero, add)) == 45
    assert int(tf.function(lambda: dataset.reduce(zero, add))()) == 45
    assert int(dataset.reduce(0, lambda count, batch: count + 1)) == 3


def test_a_single_replica_has_the_same_kinds_of_variables():
    alone, made = tf.distribute.MirroredStrategy(["CPU:0"]), []

    def step():
        if not made:
            made.append(tf.Variable(1.0))
        return made[0].assign_add(2.0) + 0.0

    with alone.scope():
        counted = tf.Variable(0.0, synchronization=Synchronization.ON_READ)
        assert float(alone.run(step)) == 3.0
    assert type(made[0]).__name__ == "MirroredVariable" and values(made[0]) == [3.0]
    assert type(counted).__name__ == "SyncOnReadVariable" and len(counted.values) == 1
    assert float(alone.run(tf.function(step))) == 5.0
    assert alone.extended._global_batch_size
    total = alone.run(lambda: alone.extended._replica_ctx_all_reduce("sum", tf.constant(2.0)))
    assert float(total) == 2.0


def test_scopes_within_scopes_make_no_copies_of_copies(strategy):
    with strategy.scope(), strategy.scope():
        v = tf.Variable(1.0)
    assert not any(isinstance(copy, tf.distribute.DistributedValues) for copy in v.values)


def test_iterators_of_tensorflow_1_give_each_replica_its_part(strategy):
    def parts(iterator):
        return [part.numpy().tolist() for part in iterator.get_next().values]

    whole = strategy.make_dataset_iterator(tf.data.Dataset.range(4).batch(4))
    assert parts(whole) == [[0, 1], [2, 3]]
    in_turn = strategy.make_input_fn_iterator(lambda context: tf.data.Dataset.range(4))
    assert parts(in_turn) == [0, 1] and parts(in_turn) == [2, 3]
    numbers = iter(range(4))
    of_function = strategy.make_input_fn_iterator(lambda _: lambda: tf.constant(next(numbers)))
    assert parts(of_function) == [0, 1]


def test_replicas_find_variables_by_name_without_numbers(strategy):
    def numbered():
        number = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        return tf.Variable(1.0, name=f"v_{number}")

    assert strategy.run(numbered).name == "v_0:0"

    def other():
        number = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        return tf.Variable(1.0, name="first" if number == 0 else "second")

    with pytest.raises(RuntimeError, match="mismatching name"):
        strategy.run(other)


def test_get_variable_in_replicas(strategy):
    v1 = tf.compat.v1

    def make():
        with v1.variable_scope("inner"):
            return v1.get_variable("v", [1])

    with tf.Graph().as_default(), strategy.scope(), v1.variable_scope("outer"):
        made = strategy.run(make)
        assert made.name == "outer/inner/v:0" and len(made.values) == 2


def test_sessions_run_the_updates_of_all_copies(strategy):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), strategy.scope(), v1.Session() as session:
        on_write = tf.Variable(1.0, aggregation=tf.VariableAggregation.SUM)
        on_read = tf.Variable(
            1.0,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )
        session.run(v1.global_variables_initializer())
        updates = strategy.run(lambda: (on_write.assign_add(number()), on_read.assign_add(3.0)))
        session.run([strategy.group(update) for update in updates])
        assert session.run(list(on_write.values)) == [2, 2]
        assert session.run(on_read) == 8
        session.run(strategy.extended.update(on_write, lambda copy: copy.assign(7.0)))
        assert session.run(list(on_write.values)) == [7, 7]


def test_operations_of_other_replicas_have_a_scope_of_their_own(strategy):
    with tf.Graph().as_default(), strategy.scope():
        sums = strategy.run(lambda: tf.add(1.0, 2.0, name="sum"))
        assert [value.op.name for value in sums.values] == ["sum", "replica_1/sum"]


def test_mirrored_values_compute_as_the_first(strategy):
    value = Mirrored((tf.constant(3.0), tf.constant(3.0)))
    assert float(value + 1) == 4 and float(1 - value) == -2 and value.dtype == tf.float32


def test_local_results_of_structures(strategy):
    results = strategy.experimental_local_results({"a": PerReplica((1, 2)), "b": 3})
    assert results == ({"a": 1, "b": 3}, {"a": 2, "b": 3})


class Masked(tf.experimental.BatchableExtensionType):
    values: tf.Tensor
    mask: tf.Tensor


COMPOSITES = {
    "ragged": (tf.ragged.constant([[1], [2, 3], [], [4], [5]]), lambda x: x.to_list()),
    "sparse": (
        tf.sparse.from_dense([[1, 0], [0, 2], [0, 0], [4, 0], [0, 5]]),
        lambda x: tf.sparse.to_dense(x).numpy().tolist(),
    ),
    "of an extension type": (
        Masked(tf.range(5), tf.range(5) > 2),
        lambda x: tf.stack([x.values, tf.cast(x.mask, tf.int32)], 1).numpy().tolist(),
    ),
}


@pytest.mark.parametrize("kind", COMPOSITES)
def test_rows_of_composites_are_divided_among_replicas(strategy, kind):
    value, rows_of = COMPOSITES[kind]
    dataset = tf.data.Dataset.from_tensor_slices(value)
    wanted = rows_of(next(iter(dataset.batch(5))))
    found = []
    for batch in strategy.experimental_distribute_dataset(dataset.batch(4)):
        found.append([rows_of(part) for part in strategy.experimental_local_results(batch)])
    assert found == [[wanted[:2], wanted[2:4]], [wanted[4:], []]]
    each = strategy.distribute_datasets_from_function(lambda _: dataset.batch(1))
    first = strategy.experimental_local_results(next(iter(each)))
    assert [rows_of(part) for part in first] == [wanted[:1], wanted[1:2]]


def test_average_losses_are_of_all_replicas(strategy):
    losses = tf.constant([2.0, 6.0, 7.0])
    for function, whole in ((tf.nn.compute_average_loss, 5), (tf.nn.scale_regularization_loss, 15)):
        parts = strategy.run(function, args=(losses,))
        assert strategy.reduce("SUM", parts, axis=None).numpy() == whole
        assert strategy.run(tf.function(function), args=(losses,)).values[0].numpy() == whole / 2
        assert function(losses).numpy() == whole  # outside of the strategy
        with strategy.scope(), pytest.raises(RuntimeError, match="in cross replica context"):
            function(losses)
    with strategy.scope():
        assert tf.nn.compute_average_loss(losses, global_batch_size=3).numpy() == 5


def test_functions_that_update_all_copies_are_saved_as_without_a_strategy(strategy, tmp_path):
    class Counter(tf.Module):
        def __init__(self):
            self.count = tf.Variable(1.0, aggregation=Aggregation.MEAN)

        @tf.function(input_signature=[])
        def step(self):
            return self.count.assign_add(1.0) + 0.0

    with strategy.scope():
        counter = Counter()
    counter.step()
    tf.saved_model.save(counter, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert [float(loaded.step()), float(loaded.signatures["serving_default"]()["output_0"])] == [
        3,
        4,
    ]


def test_values_from_a_function_are_distributed_even_if_they_are_equal(strategy):
    numbers = strategy.experimental_distribute_values_from_function(
        lambda replica: (replica.num_replicas_in_sync, {"a": None})
    )
    assert isinstance(numbers[0], PerReplica) and isinstance(numbers[1]["a"], PerReplica)
    assert strategy.experimental_local_results(numbers[0]) == (2, 2)


def test_text_of_distributed_values_is_that_of_their_values(strategy):
    both = PerReplica([tf.constant(1), tf.constant(2)])
    assert str(both).startswith("PerReplica:{\n  0: tf.Tensor(1, shape=(), dtype=int32),\n")
    assert repr(both).startswith("PerReplica:{\n  0: <tf.Tensor: shape=(), dtype=int32, numpy=1>,")


@pytest.mark.parametrize("compiled", [False, True])
def test_what_an_update_returns_stays_as_it_is(strategy, compiled):
    counted = variable(strategy, "MEAN")
    add = lambda: strategy.run(lambda: counted.assign_add(1.0))  # noqa: E731
    add = tf.function(add) if compiled else add
    first = add()
    add()
    assert [float(v) for v in strategy.experimental_local_results(first)] == [2.0, 2.0]
    assert [float(v) for v in strategy.experimental_local_results(counted)] == [3.0, 3.0]


def test_an_update_of_all_copies_returns_a_value_for_each(strategy):
    counted = variable(strategy)
    before = counted.assign(5.0)
    counted.assign(6.0)
    assert isinstance(before, Mirrored)
    assert [float(v) for v in before.values] == [5.0, 5.0]


def test_replicas_update_their_parts_of_a_variable():
    strategy = tf.distribute.MirroredStrategy(["GPU:0", "GPU:1"])
    with strategy.scope():
        variable = tf.Variable(5.0)

    def replica(v):
        context = tf.distribute.get_replica_context()
        context._update(v, lambda part, value: part.assign(value), args=(tf.constant(1.5),))

    strategy.run(replica, args=(variable,))
    assert [float(part) for part in variable.values] == [1.5, 1.5]


def test_variables_are_made_beside_others_in_replicas_and_outside_of_the_scope(strategy):
    with strategy.scope():
        weight = tf.Variable(1.0)
    slots = []

    @tf.function
    def total():
        def in_a_replica():
            with tf.init_scope(), strategy.extended.colocate_vars_with(weight):
                if len(slots) < 2:
                    slots.append(tf.Variable(2.0))
            return weight + slots[0]

        return strategy.run(in_a_replica)

    assert [float(each) for each in strategy.experimental_local_results(total())] == [3.0, 3.0]
    with strategy.extended.colocate_vars_with(weight):
        assert len(strategy.experimental_local_results(tf.Variable(3.0))) == 2


def test_libraries_see_that_replicas_may_have_no_rows(strategy):
    """tf_keras's batch normalization asks for it; without an answer, a replica without rows made all weights NaN."""
    for each in (strategy, tf.distribute.MultiWorkerMirroredStrategy()):
        assert each.extended.experimental_enable_get_next_as_optional
    default = tf.distribute.get_strategy()
    assert not hasattr(default.extended, "experimental_enable_get_next_as_optional")


def test_only_datasets_are_distributed():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with pytest.raises(TypeError, match=r"must be a tf.data.Dataset. Received \[1, 2\]"):
        strategy.experimental_distribute_dataset([1, 2])
