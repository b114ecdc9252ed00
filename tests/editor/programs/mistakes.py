"""Forty mistakes, each on a line that ends in the comment; nothing else here is wrong. Checked, never run."""

import numpy as np

import penstock as tf

x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
v = tf.Variable(tf.zeros([2, 2]))
dataset = tf.data.Dataset.range(10)
ragged = tf.ragged.constant([[1, 2], [3]])

# Misspelt names.
tf.reduce_summ(x)  # mistake
tf.nn.relu_(x)  # mistake
tf.math.reduce_men(x)  # mistake
tf.linalg.inverse(x)  # mistake
tf.strings.splitt("a b")  # mistake
tf.image.resize_image(x, [2, 2])  # mistake
tf.data.Dataset.from_tensor_slice([1, 2])  # mistake
tf.random.nomal([2])  # mistake
tf.signal.sftf(x, 2, 1)  # mistake
tf.flaot32  # mistake
tf.errors.InvalidArgument  # mistake
tf.keras.layerz.Dense(2)  # mistake
tf.raw_ops.MatMull(a=x, b=x)  # mistake
tf.compat.v1.placeholde(tf.float32)  # mistake
from tensorflow.nn import nothing_of_the_kind  # mistake

# Misspelt attributes and methods.
x.shap  # mistake
x.nunpy()  # mistake
tf.nn.relu(x).dtyp  # mistake
v.asign(x)  # mistake
x.shape.ranks  # mistake
tf.float32.as_numpy_type  # mistake
dataset.bacth(2)  # mistake
dataset.map(lambda e: e).shufle(3)  # mistake
tf.ragged.range([1, 2]).to_tensors()  # mistake

# Misspelt keywords.
tf.reduce_sum(x, axes=0)  # mistake
tf.zeros([2], dtpe=tf.int32)  # mistake
tf.matmul(x, x, transpose=True)  # mistake
dataset.batch(2, drop_remaider=True)  # mistake
tf.function(jit_compiled=True)  # mistake
tf.GradientTape(persistant=True)  # mistake
tf.raw_ops.MatMul(a=x, c=x)  # mistake

# Missing or too many arguments.
tf.matmul(x)  # mistake
tf.reshape(x)  # mistake
tf.cast(x)  # mistake
dataset.shuffle()  # mistake
tf.one_hot([1, 2])  # mistake
tf.nn.softmax(x, 0, "name", 4)  # mistake

# Wrong types.
tf.reduce_mean(x, axis="rows")  # mistake
tf.reshape(x, "four")  # mistake
dataset.batch("32")  # mistake


@tf.function
def double(value: tf.Tensor, times: int = 1) -> tf.Tensor:
    return value * 2 * times


double(x, time=3)  # mistake
double(x).nunpy()  # mistake
tf.nn.relu("text")  # mistake
tf.nn.dropout(x, rate=0.5, seed="s")  # mistake
tf.cast(x, 3)  # mistake
tf.zeros({"a": 2})  # mistake
np.asarray(x)
