"""Calls of raw ops by name, for any module that has TensorFlow's names: Penstock's or TensorFlow itself."""


def attributes(attrs):
    """The attributes under the names of tf.raw_ops."""
    return {{"squeeze_dims": "axis"}.get(name, name): value for name, value in attrs.items()}


def call(tf, op, values, attrs):
    """Calls an op on tensors, in the order of its inputs; returns the flat list of outputs."""
    made = getattr(tf.raw_ops, op)
    names = list(made.__signature__.parameters)
    outputs = made(**dict(zip(names, values, strict=False)), **attributes(attrs))
    # In a graph, what has no outputs is the operation.
    found = tf.nest.flatten([] if outputs is None else outputs)
    return [out for out in found if hasattr(out, "dtype")]


def tensors(tf, arrays):
    """Returns tensors of the arrays; of a list a list."""
    return [
        [tf.constant(part) for part in array] if isinstance(array, list) else tf.constant(array)
        for array in arrays
    ]


def call_on_variables(tf, op, variables, inputs, attrs, wrap):
    """Calls an op twice on variables, its first inputs.

    Args:
      tf: the module.
      op: the name of the op.
      variables: the arrays that the variables hold before.
      inputs: arrays of the other inputs.
      attrs: its attributes.
      wrap: what makes the function that is called, `tf.function` for instance.

    Returns:
      The outputs of both calls, and what the variables then hold, as arrays.
    """
    tf.random.set_seed(0)  # ops that hold the state of their random numbers begin anew
    held = [tf.Variable(array) for array in variables]
    step = wrap(lambda *rest: call(tf, op, [*(v.handle for v in held), *rest], attrs))
    values = tensors(tf, inputs)
    outputs = [*step(*values), *step(*values)]
    return [out.numpy() for out in outputs] + [v.numpy() for v in held]


def second_gradients(tf, op, values, attrs):
    """Returns the gradients of a weighted sum of an op's gradients for its float inputs; None where there is none."""
    watched = [v for v in tf.nest.flatten(values) if v.dtype.is_floating or v.dtype.is_complex]
    with tf.GradientTape() as outer:
        outer.watch(watched)
        with tf.GradientTape() as inner:
            inner.watch(watched)
            outputs = call(tf, op, values, attrs)
            smooth = [o for o in outputs if o.dtype.is_floating or o.dtype.is_complex]
            weighted = [weights(tf, o, 0.5) * o for o in smooth]
        first = [g for g in inner.gradient(weighted, watched) if g is not None]
        weighted = [weights(tf, g, 1.5) * g for g in map(tf.convert_to_tensor, first)]
    if not weighted:
        return []
    found = outer.gradient(weighted, watched)
    return [None if g is None else tf.convert_to_tensor(g) for g in found]


def weights(tf, tensor, phase):
    """Numbers between -1 and 1 in the tensor's shape and type."""
    shape = tf.shape(tensor, out_type=tf.int64)
    places = tf.range(tf.reduce_prod(shape))
    return tf.cast(tf.reshape(tf.cos(tf.cast(places, tf.float64) + phase), shape), tensor.dtype)
