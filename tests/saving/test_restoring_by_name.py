"""tf.train.Checkpoint reads checkpoints of tf.compat.v1.train.Saver, and which of several restores counts."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1


def saved(folder, make, name="named"):
    """Writes a checkpoint by name of a graph's variables: 1, 2, ... in the order of their names."""
    with tf.Graph().as_default(), v1.Session() as session:
        make()
        for number, variable in enumerate(sorted(v1.global_variables(), key=lambda v: v.name), 1):
            session.run(variable.initializer)
            session.run(variable.assign(tf.ones_like(variable) * number))
        return v1.train.Saver().save(session, str(folder / name))


OPTIMIZERS = {
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9, name="Own"),
    "adam": lambda: v1.train.AdamOptimizer(0.1, name="Own"),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1, name="Own"),
}


def trained(kind, name):
    x = tf.Variable([1.0], name=name)
    optimizer = OPTIMIZERS[kind]()
    optimizer.apply_gradients([(tf.constant([1.0]), x)])
    return x, optimizer


def slots(x, optimizer):
    return [optimizer.get_slot(x, name) for name in optimizer.get_slot_names()]


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_slots_of_optimizers_are_restored(tmp_path, kind, in_graph):
    name = f"{kind}_{in_graph}"  # names of slots are unique in the process
    path = saved(tmp_path, lambda: trained(kind, name))
    expected = {n: tf.train.load_variable(path, n) for n, _ in tf.train.list_variables(path)}
    if in_graph:
        with tf.Graph().as_default(), v1.Session() as session:
            x, optimizer = trained(kind, name)
            status = tf.train.Checkpoint(x=x, optimizer=optimizer).read(path)
            with pytest.raises(AssertionError, match="not restored"):
                status.assert_consumed()
            status.run_restore_ops()
            status.assert_consumed()
            found = {v.op.name: session.run(v) for v in (x, *slots(x, optimizer))}
    else:
        x, optimizer = trained(kind, name)
        status = tf.train.Checkpoint(x=x, optimizer=optimizer).read(path).assert_consumed()
        found = {v.name.removesuffix(":0"): v.numpy() for v in (x, *slots(x, optimizer))}
    assert len(found) == 1 + len(optimizer.get_slot_names())
    assert found == {name: expected[name] for name in found}


def test_slots_that_are_made_later_are_reported(tmp_path):
    path = saved(tmp_path, lambda: trained("momentum", "late_slot"))
    x, optimizer = tf.Variable([1.0], name="late_slot"), OPTIMIZERS["momentum"]()
    status = tf.train.Checkpoint(x=x, optimizer=optimizer).read(path).assert_consumed()
    optimizer.apply_gradients([(tf.constant([1.0]), x)])
    with pytest.raises(AssertionError, match="late_slot/Own"):
        status.assert_existing_objects_matched()


@pytest.mark.parametrize("attach", ["attribute", "list", "dict", "module", "function"])
def test_objects_that_are_added_later_are_restored(tmp_path, attach):
    path = saved(tmp_path, lambda: v1.get_variable("x", []))
    root = tf.Module()
    root.list, root.dict = [], {}
    status = tf.train.Checkpoint(root=root).read(path)
    x = None if attach == "function" else tf.Variable(0.0, name="x")
    if attach == "attribute":
        root.x = x
    elif attach == "list":
        root.list.append(x)
    elif attach == "dict":
        root.dict["x"] = x
    elif attach == "module":
        root.inner = tf.Module()
        root.inner.x = x
    else:

        @tf.function
        def make():
            if not hasattr(root, "x"):
                root.x = tf.Variable(0.0, name="x")
            return root.x + 0.0

        make()
        x = root.x
    status.assert_consumed()
    assert x == 1.0
    root.missing = tf.Variable(0.0, name="missing")
    with pytest.raises(AssertionError, match=r"not restored.*\n.*missing"):
        status.assert_consumed()


def test_other_dtypes_and_missing_values_of_graphs_are_refused(tmp_path):
    path = saved(tmp_path, lambda: v1.get_variable("x", []))
    with pytest.raises(tf.errors.InvalidArgumentError, match="x; expected dtype int32"):
        tf.train.Checkpoint(x=tf.Variable(0, name="x")).read(path)
    with tf.Graph().as_default(), v1.Session():
        x, y = tf.Variable(0.0, name="x"), tf.Variable(0.0, name="y")
        status = tf.train.Checkpoint(x=x, y=y).read(path)
        with pytest.raises(tf.errors.NotFoundError, match="Key y not found"):
            status.initialize_or_restore()


def test_the_counter_of_checkpoints_may_be_missing(tmp_path):
    path = saved(tmp_path, lambda: v1.get_variable("x", []))
    x = tf.Variable(0.0, name="x")
    tf.train.Checkpoint(x=x).restore(path).assert_consumed()
    assert x == 1.0


def written(folder, value, *path):
    """Writes a checkpoint of a variable below a path of objects."""
    tracked = tf.Variable(value, name="x")
    for name in reversed(path):
        tracked = tf.train.Checkpoint(**{name: tracked})
    return tracked.write(str(folder / f"{value}"))


def test_an_earlier_restore_that_waits_does_not_overwrite_a_later_one(tmp_path):
    earlier, later = written(tmp_path, 1.0, "m", "n", "x"), written(tmp_path, 2.0, "b", "x")
    m, n = tf.train.Checkpoint(), tf.train.Checkpoint(x=tf.Variable(0.0))
    status = tf.train.Checkpoint(m=m).read(earlier)
    tf.train.Checkpoint(b=n).read(later)
    m.n = n
    assert n.x == 2.0
    status.assert_consumed()


def test_a_later_restore_overwrites_an_earlier_one(tmp_path):
    earlier, later = written(tmp_path, 1.0, "b", "x"), written(tmp_path, 2.0, "m", "n", "x")
    m, n = tf.train.Checkpoint(), tf.train.Checkpoint(x=tf.Variable(0.0))
    tf.train.Checkpoint(b=n).read(earlier)
    tf.train.Checkpoint(m=m).read(later)
    m.n = n
    assert n.x == 2.0


@pytest.mark.parametrize("named_last", [False, True])
def test_the_latest_counts_of_restores_by_name_and_by_object(tmp_path, named_last):
    by_name = saved(tmp_path, lambda: v1.get_variable("x", []))
    by_object = written(tmp_path, 5.0, "m", "x")
    m = tf.train.Checkpoint()
    for path in (by_object, by_name) if named_last else (by_name, by_object):
        tf.train.Checkpoint(m=m).read(path)
    m.x = tf.Variable(0.0, name="x")
    assert m.x == (1.0 if named_last else 5.0)


def test_initialization_does_not_overwrite_what_a_later_call_restores(tmp_path):
    path = written(tmp_path, 42.0, "x")
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = tf.Variable(1.0), tf.Variable(2.0)
        one, both = tf.train.Checkpoint(x=x), tf.train.Checkpoint(x=x, y=y)
        nothing = both.restore(None)
        with pytest.raises(AssertionError, match="No checkpoint specified"):
            nothing.run_restore_ops()
        one.restore(path).run_restore_ops()
        nothing.initialize_or_restore()
        assert session.run([x, y]) == [42.0, 2.0]
        both.restore(None).initialize_or_restore()
        assert session.run([x, y]) == [1.0, 2.0]
