"""Statements of Python that AutoGraph converts."""

from tests.graph.recorded.functions.cases import case, f, i


@case(f(None, 3))
def for_rows(tf, x):
    total = tf.zeros([3])
    for row in x:
        total += row
    return total


@case(i(), f(3))
def for_range(tf, n, x):
    for k in tf.range(n):
        x = x * tf.cast(k, tf.float32)
    return x


@case(i(), f(3))
def for_break(tf, n, x):
    for k in tf.range(n):
        if k > 2:
            break
        x = x + 1.0
    return x


@case(i(), f(3))
def for_continue(tf, n, x):
    for k in tf.range(n):
        if k % 2 == 0:
            continue
        x = x + 1.0
    return x


@case(i())
def while_statement(tf, n):
    k, total = 0, 0
    while k < n:
        total += k
        k += 1
    return total


@case(i(), f(3))
def if_statement(tf, n, x):
    if n > 2:
        return x * 2.0
    if n > 1:
        return x
    return -x


@case(i(), f(3))
def if_and_or(tf, n, x):
    if n > 2 and n < 5 or tf.reduce_sum(x) > 0.0:
        x = x * 2.0
    return x


@case(i())
def fizzbuzz(tf, n):
    output = tf.TensorArray(tf.string, 0, dynamic_size=True)
    for k in tf.range(n):
        if k % 15 == 0:
            text = "FizzBuzz"
        elif k % 3 == 0:
            text = "Fizz"
        else:
            text = tf.strings.as_string(k)
        output = output.write(k, text)
    return output.stack()


@case(f(None, 3))
def collatz(tf, x):
    k = tf.constant(6)
    steps = 0
    while k > 1:
        if k % 2 == 0:
            k = k // 2
        else:
            k = 3 * k + 1
        steps += 1
    return x * tf.cast(steps, tf.float32)


@case(f(None, 3))
def nested_statements(tf, x):
    total = 0.0
    for row in x:
        for v in row:
            if v > 0.0:
                total += v
    return total


@case(i(), f(3))
def array_in_loop(tf, n, x):
    array = tf.TensorArray(tf.float32, n, element_shape=[3])
    for k in tf.range(n):
        array = array.write(k, x * tf.cast(k, tf.float32))
    return array.stack()


@case(f(None, 3))
def statement_append(tf, x):
    rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
    k = 0
    while k < tf.shape(x)[0]:
        if x[k, 0] > 0.0:
            rows = rows.write(rows.size(), x[k])
        k += 1
    return rows.stack()
