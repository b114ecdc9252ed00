"""TensorArrays and tensor lists, in and out of loops."""

# ruff: noqa: E731
from tests.graph.recorded.functions.cases import b, case, f, i


@case(f(3))
def array_stack(tf, x):
    array = tf.TensorArray(tf.float32, 2)
    return array.write(0, x).write(1, x * 2.0).stack()


@case(f(3))
def array_shape(tf, x):
    array = tf.TensorArray(tf.float32, size=2, element_shape=[3], clear_after_read=False)
    array = array.write(0, x).write(1, x)
    return array.read(0) + array.read(1)


@case(f(None, 3))
def array_unstack(tf, x):
    array = tf.TensorArray(tf.float32, tf.shape(x)[0]).unstack(x)
    return array.read(0), array.size()


@case(f(None, 3))
def array_gather(tf, x):
    return tf.TensorArray(tf.float32, 0, dynamic_size=True).unstack(x).gather([1, 0])


@case(f(2, 3))
def array_scatter(tf, x):
    return tf.TensorArray(tf.float32, 4, name="rows").scatter([3, 0], x).stack(name="out")


@case(f(2, 3), f(1, 3))
def array_concat(tf, x, y):
    array = tf.TensorArray(tf.float32, 2, infer_shape=False)
    return array.write(0, x).write(1, y).concat()


@case(f(6, 3))
def array_split(tf, x):
    array = tf.TensorArray(tf.float32, 3, infer_shape=False)
    return array.split(x, [1, 2, 3]).read(2)


@case(f(3))
def array_dynamic(tf, x):
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[3])
    return array.write(0, x).write(1, -x).stack()


@case(i(), f(3))
def array_grows_in_loop(tf, n, x):
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    body = lambda k, a: (k + 1, a.write(k, x))
    return tf.while_loop(lambda k, a: k < n, body, [0, array])[1].stack()


@case(f(None, 3))
def array_read_in_loop(tf, x):
    n = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, n, element_shape=[3]).unstack(x)
    body = lambda k, s: (k + 1, s + rows.read(k))
    return tf.while_loop(lambda k, s: k < n, body, [0, tf.zeros([3])])[1]


@case(f(None, 3))
def arrays_in_loop(tf, x):
    n = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, n).unstack(x)
    sums = tf.TensorArray(tf.float32, n)

    def body(k, s, out):
        s = s + rows.read(k)
        return k + 1, s, out.write(k, s)

    return tf.while_loop(lambda k, *_: k < n, body, [0, tf.zeros([3]), sums])[2].stack()


@case(f(None, 3))
def array_reversed(tf, x):
    n = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, n).unstack(x)
    out = tf.TensorArray(tf.float32, n)
    body = lambda k, o: (k + 1, o.write(k, rows.read(n - 1 - k)))
    return tf.while_loop(lambda k, o: k < n, body, [0, out])[1].stack()


@case(b(), f(3))
def array_in_cond(tf, p, x):
    array = tf.TensorArray(tf.float32, 1, element_shape=[3])
    return tf.cond(p, lambda: array.write(0, x), lambda: array.write(0, -x)).stack()


@case(f(None, 3))
def array_to_call(tf, x):
    array = tf.TensorArray(tf.float32, tf.shape(x)[0]).unstack(x)
    inner = tf.function(lambda a: a.stack() * 2.0)
    return inner(array)


@case(f(3))
def array_of_booleans(tf, x):
    array = tf.TensorArray(tf.bool, 3)
    for k in range(3):
        array = array.write(k, x[k] > 0.0)
    return array.stack()


@case(f(None, 3))
def array_identity(tf, x):
    array = tf.TensorArray(tf.float32, tf.shape(x)[0]).unstack(x)
    return array.identity().stack()


@case(f(3))
def list_reserve(tf, x):
    handle = tf.raw_ops.TensorListReserve(
        element_shape=[3], num_elements=2, element_dtype=tf.float32
    )
    handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=0, item=x)
    handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=1, item=x)
    return tf.raw_ops.TensorListStack(
        input_handle=handle, element_shape=[3], element_dtype=tf.float32, num_elements=2
    )


@case(f(3))
def list_push_pop(tf, x):
    handle = tf.raw_ops.EmptyTensorList(
        element_shape=[3], max_num_elements=-1, element_dtype=tf.float32
    )
    handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=x)
    handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=x * 2.0)
    handle, last = tf.raw_ops.TensorListPopBack(
        input_handle=handle, element_shape=[3], element_dtype=tf.float32
    )
    return last, tf.raw_ops.TensorListLength(input_handle=handle)


@case(i(), f(3))
def list_push_in_loop(tf, n, x):
    handle = tf.raw_ops.EmptyTensorList(
        element_shape=[3], max_num_elements=n, element_dtype=tf.float32
    )

    def body(k, h):
        return k + 1, tf.raw_ops.TensorListPushBack(input_handle=h, tensor=x)

    handle = tf.while_loop(lambda k, h: k < n, body, [0, handle])[1]
    return tf.raw_ops.TensorListStack(
        input_handle=handle, element_shape=[3], element_dtype=tf.float32
    )


@case(f(None, 3))
def list_from_tensor(tf, x):
    handle = tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=[3])
    return tf.raw_ops.TensorListGetItem(
        input_handle=handle, index=1, element_shape=[3], element_dtype=tf.float32
    )


@case(f(6, 3))
def list_split_concat(tf, x):
    handle = tf.raw_ops.TensorListSplit(tensor=x, element_shape=[-1, 3], lengths=[2, 4])
    return tf.raw_ops.TensorListConcatV2(
        input_handle=handle, element_shape=[-1, 3], leading_dims=[], element_dtype=tf.float32
    )


@case(f(None, 3))
def list_gather_scatter(tf, x):
    handle = tf.raw_ops.TensorListScatterV2(
        tensor=x, indices=[1, 0], element_shape=[3], num_elements=-1
    )
    return tf.raw_ops.TensorListGather(
        input_handle=handle, indices=[0], element_shape=[3], element_dtype=tf.float32
    )


@case(f(None, 3))
def ragged_map(tf, x):
    ragged = tf.RaggedTensor.from_tensor(x)
    return tf.map_fn(tf.reduce_sum, ragged, fn_output_signature=tf.float32)


@case(f(None, 4))
def beam_of_two(tf, x):
    tokens = tf.TensorArray(tf.int32, 3)

    def body(k, scores, out):
        values, indices = tf.math.top_k(scores, 2)
        return k + 1, scores * 0.5 + tf.reduce_sum(values), out.write(k, indices)

    return tf.while_loop(lambda k, *_: k < 3, body, [0, x, tokens])[2].concat()


@case(i(None), i())
def generate(tf, prompt, n):
    def body(k, text):
        following = tf.reduce_sum(text)[None] % 7
        return k + 1, tf.concat([text, following], 0)

    shapes = [tf.TensorShape([]), tf.TensorShape([None])]
    return tf.while_loop(lambda k, t: k < n, body, [0, prompt], shape_invariants=shapes)[1]


@case(f(None, 3))
def map_ragged_result(tf, x):
    spec = tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0)
    return tf.map_fn(lambda row: row[row > 0.0], x, fn_output_signature=spec).to_tensor()


@case(f(3, 2))
def map_in_map(tf, x):
    return tf.map_fn(lambda row: tf.map_fn(lambda v: v * v, row), x)


@case(f(3, 2))
def scan_in_map(tf, x):
    return tf.map_fn(lambda row: tf.scan(lambda a, v: a + v, row), x)


@case(f(3, 2))
def fold_in_cond(tf, x):
    p = tf.reduce_sum(x) > 0.0
    return tf.cond(p, lambda: tf.foldl(tf.add, x), lambda: tf.foldl(tf.maximum, x))
