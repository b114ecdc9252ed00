"""Wrong calls of variables, tapes, lists and tables."""

from tests.errors.calls import tf, wrong

Invalid = tf.errors.InvalidArgumentError
Failed = tf.errors.FailedPreconditionError
EITHER = (Invalid, ValueError)


def variable():
    return tf.Variable([1.0, 2.0])


def tape_used_twice():
    v = variable()
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    return tape.gradient(y, v)


def reentered_tape():
    tape = tf.GradientTape()
    with tape, tape:
        return 0


def watch_of_a_string():
    with tf.GradientTape() as tape:
        tape.watch("a")


def unknown_treatment():
    with tf.GradientTape() as tape:
        return tape.gradient(tf.constant(1.0), [], unconnected_gradients="maybe")


def uninitialised():
    handle = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="never_set", name="w")
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)


def wrong_type_of_read():
    return tf.raw_ops.ReadVariableOp(resource=variable().handle, dtype=tf.int32)


def no_gradient_defined():
    with tf.GradientTape() as tape:
        x = tf.ones([2, 2, 3])
        tape.watch(x)
        y = tf.raw_ops.AdjustHue(images=x, delta=0.1)
    return tape.gradient(y, x)


def custom_gradient_of_wrong_number():
    @tf.custom_gradient
    def add(x, y):
        return x + y, lambda dy: dy

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = add(x, x)
    return tape.gradient(y, x)


def array_written_beyond():
    return tf.TensorArray(tf.float32, 2).write(2, 1.0)


def array_read_before_write():
    return tf.TensorArray(tf.float32, 2, element_shape=None).read(0)


def array_of_other_type():
    return tf.TensorArray(tf.float32, 1).write(0, tf.constant(1))


def array_of_other_shapes():
    a = tf.TensorArray(tf.float32, 2, infer_shape=True)
    a = a.write(0, [1.0])
    return a.write(1, [1.0, 2.0])


def table_of_other_types():
    keys = tf.lookup.KeyValueTensorInitializer(["a"], [1])
    return tf.lookup.StaticHashTable(keys, -1).lookup(tf.constant([1]))


CALLS = [
    wrong("variable without a value", (ValueError, TypeError), lambda: tf.Variable()),
    wrong("variable of rows of different lengths", ValueError, lambda: tf.Variable([[1], [2, 3]])),
    wrong(
        "variable of another type",
        (ValueError, TypeError),
        lambda: tf.Variable(1.5, dtype=tf.int32),
    ),
    wrong("assign another shape", ValueError, lambda: variable().assign([1.0]), "(2,)", "(1,)"),
    wrong(
        "assign another type",
        (ValueError, TypeError, Invalid),
        lambda: variable().assign(tf.constant([1, 2])),
    ),
    wrong("assign a string", (ValueError, TypeError), lambda: variable().assign("a")),
    wrong(
        "assign_add of a shape that does not fit",
        EITHER,
        lambda: variable().assign_add([1.0, 2.0, 3.0]),
        "[2]",
        "[3]",
    ),
    wrong(
        "assign_sub of another type",
        (ValueError, TypeError, Invalid),
        lambda: variable().assign_sub(tf.constant([1, 2])),
    ),
    wrong(
        "assign to a slice of another shape", EITHER, lambda: variable()[:1].assign([1.0, 2.0, 3.0])
    ),
    wrong("hash of a variable", TypeError, lambda: hash(variable()), "unhashable"),
    wrong("read of a variable never set", (Failed, tf.errors.NotFoundError), uninitialised),
    wrong("read of a variable as another type", Invalid, wrong_type_of_read, "dtype"),
    wrong(
        "scatter into a variable beyond its end",
        Invalid,
        lambda: variable().scatter_update(tf.IndexedSlices([1.0], [7])),
        "7",
    ),
    wrong("scatter of what is no slices", TypeError, lambda: variable().scatter_add([1.0])),
    wrong("gather of a variable beyond its end", Invalid, lambda: tf.gather(variable(), [9]), "9"),
    wrong("tape used twice", RuntimeError, tape_used_twice, "persistent"),
    wrong("tape entered twice", ValueError, reentered_tape),
    wrong("gradient of an op without one", LookupError, no_gradient_defined, "AdjustHue"),
    wrong("watch of a string", ValueError, watch_of_a_string),
    wrong(
        "custom gradient of too few gradients",
        (ValueError, TypeError),
        custom_gradient_of_wrong_number,
    ),
    wrong(
        "unknown treatment of unconnected gradients",
        ValueError,
        unknown_treatment,
    ),
    wrong(
        "tensor array written beyond its end",
        (tf.errors.OutOfRangeError, Invalid),
        array_written_beyond,
        "2",
    ),
    wrong(
        "tensor array read before it was written",
        (Invalid, tf.errors.OutOfRangeError, ValueError),
        array_read_before_write,
    ),
    wrong("tensor array of another type", (Invalid, TypeError, ValueError), array_of_other_type),
    wrong("tensor array of other shapes", ValueError, array_of_other_shapes),
    wrong("table asked for another type", TypeError, table_of_other_types),
    wrong(
        "an unknown device",
        (ValueError, Invalid, RuntimeError),
        lambda: tf.device("/nothing:0").__enter__(),
    ),
    wrong(
        "threads set to a negative number",
        (ValueError, RuntimeError, OverflowError),
        lambda: tf.config.set_visible_devices("nothing"),
    ),
    wrong(
        "checkpoint that does not exist",
        (tf.errors.NotFoundError, ValueError, tf.errors.OpError),
        lambda: tf.train.load_checkpoint("/no/such/checkpoint").get_variable_to_dtype_map(),
    ),
    wrong(
        "restore from what does not exist",
        tf.errors.NotFoundError,
        lambda: tf.train.Checkpoint(v=variable()).restore("/no/such/checkpoint"),
    ),
]
