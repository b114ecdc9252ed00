"""Reference variables and resources: assignments, scatters, counters, temporaries."""

import numpy as np

from tests.parity.programs import in_session, reference

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3) + 1.0
UPDATES = np.array([[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]], np.float32)


def _scatter(tf, op, indices, updates):
    def build():
        variable = reference(tf, ROWS)
        changed = getattr(tf.raw_ops, op)(ref=variable, indices=indices, updates=updates)
        return [changed, lambda s: s.run(variable)]

    return in_session(tf, build)


def scatters_of_references(tf, tmp):
    names = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Update"]
    rows = [_scatter(tf, f"Scatter{n}", [3, 1], UPDATES) for n in names]
    scalars = [_scatter(tf, f"Scatter{n}", [[0, 2]], np.float32(2.0)) for n in names]
    return [rows, scalars]


def scatters_of_points_of_references(tf, tmp):
    names = ["Add", "Sub", "Max", "Min", "Update"]
    points = np.array([[3, 1], [0, 2]])
    return [
        [_scatter(tf, f"ScatterNd{n}", [[3], [1]], UPDATES) for n in names],
        [_scatter(tf, f"ScatterNd{n}", points, np.array([9.0, 8.0], np.float32)) for n in names],
    ]


def scatters_of_resources(tf, tmp):
    made = []
    for name in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Update"]:
        for indices, updates in (([3, 1], UPDATES), ([1, 1], UPDATES), ([2], np.float32(3.0))):
            variable = tf.Variable(ROWS)
            op = getattr(tf.raw_ops, f"ResourceScatter{name}")
            op(resource=variable.handle, indices=indices, updates=updates)
            made.append(variable)
    for name in ["Add", "Sub", "Max", "Min", "Update"]:
        variable = tf.Variable(ROWS)
        op = getattr(tf.raw_ops, f"ResourceScatterNd{name}")
        op(ref=variable.handle, indices=[[3, 1], [0, 2]], updates=np.array([9.0, 0.5], np.float32))
        made.append(variable)
    return made


def gathers_of_resources(tf, tmp):
    handle = tf.Variable(ROWS).handle
    gather = tf.raw_ops.ResourceGather
    return [
        gather(resource=handle, indices=[[3, 0]], dtype=tf.float32),
        gather(resource=handle, indices=[[2], [0], [1], [1]], dtype=tf.float32, batch_dims=1),
        tf.raw_ops.ResourceGatherNd(resource=handle, indices=[[3, 1], [0, 0]], dtype=tf.float32),
        tf.raw_ops.VariableShape(input=handle, out_type=tf.int64),
        tf.raw_ops.VarIsInitializedOp(resource=handle),
    ]


def assignments_of_references(tf, tmp):
    def build():
        variable, whole = reference(tf, ROWS), reference(tf, np.int32(0))
        raw = tf.raw_ops
        return [
            raw.AssignAdd(ref=variable, value=ROWS),
            raw.AssignSub(ref=variable, value=ROWS * 3.0),
            raw.Assign(ref=variable, value=ROWS[:2], validate_shape=False),
            raw.IsVariableInitialized(ref=variable),
            raw.RefIdentity(input=variable),
            raw.CountUpTo(ref=whole, limit=2),
            raw.CountUpTo(ref=whole, limit=2),
            lambda s: s.run(whole),
        ]

    return in_session(tf, build)


def choices_among_references(tf, tmp):
    def build():
        first, second = reference(tf, ROWS), reference(tf, -ROWS)
        chosen = tf.raw_ops.RefSelect(index=1, inputs=[first, second])
        changed = tf.raw_ops.AssignAdd(ref=chosen, value=ROWS * 2.0)
        return [changed, lambda s: s.run(first), lambda s: s.run(second)]

    return in_session(tf, build)


def temporary_variables(tf, tmp):
    def build():
        made = tf.raw_ops.TemporaryVariable(shape=[2], dtype=tf.float32, var_name="scratch")
        filled = tf.raw_ops.Assign(ref=made, value=[1.0, 2.0])
        grown = tf.raw_ops.AssignAdd(ref=filled, value=[3.0, 3.0])
        return [tf.raw_ops.DestroyTemporaryVariable(ref=grown, var_name="scratch")]

    return in_session(tf, build)


def strided_assignments(tf, tmp):
    def build():
        variable = reference(tf, ROWS)
        bounds = {"begin": [1, 0], "end": [3, 3], "strides": [1, 2]}
        value = np.full((2, 2), -1.0, np.float32)
        return [tf.raw_ops.StridedSliceAssign(ref=variable, value=value, **bounds)]

    resource = tf.Variable(ROWS)
    resource[1:3, ::2].assign(np.zeros((2, 2), np.float32))
    return [in_session(tf, build), resource]


def counters_of_resources(tf, tmp):
    variable = tf.Variable(np.int64(5))
    count = tf.raw_ops.ResourceCountUpTo
    first = count(resource=variable.handle, limit=7, T=tf.int64)
    second = count(resource=variable.handle, limit=7, T=tf.int64)
    try:
        count(resource=variable.handle, limit=7, T=tf.int64)
    except tf.errors.OutOfRangeError:
        return [first, second, variable, b"at the limit"]
    return []
