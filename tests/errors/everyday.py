"""Everyday mistakes, each a short program that fails, and what a good message says of it. `tools/gen_errors_page.py` runs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A program that fails.

    Attributes:
      title: what is wrong with it.
      line: part of the line of the program that the error is about.
      cause: a pattern of what names the cause.
      advice: a pattern of what says how to repair it, empty where the cause says it all.
      source: the program, after `import ... as tf`.
    """

    title: str
    line: str
    cause: str
    advice: str
    source: str

    def __str__(self) -> str:
        return self.title


MISTAKES = (
    Mistake(
        "Adding floats and integers",
        "y = x + n",
        "float.*int32",
        "tf.cast",
        """
x = tf.constant([1.0, 2.0])
n = tf.constant([1, 2])
y = x + n
""",
    ),
    Mistake(
        "A product of matrices that do not fit",
        "c = tf.matmul(a, b)",
        "\\[2,3\\].*\\[2,3\\]",
        "",
        """
a = tf.ones([2, 3])
b = tf.ones([2, 3])
c = tf.matmul(a, b)
""",
    ),
    Mistake(
        "The same in a tf.function",
        "return tf.matmul(x, w)",
        "\\[2,3\\].*\\[2,3\\]",
        "",
        """
@tf.function
def layer(x, w):
    return tf.matmul(x, w)

layer(tf.ones([2, 3]), tf.ones([2, 3]))
""",
    ),
    Mistake(
        "A Keras model called with five features for four",
        "model(tf.ones([2, 5]))",
        "value 4.*\\(2, 5\\)",
        "",
        """
model = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(3)])
model(tf.ones([2, 5]))
""",
    ),
    Mistake(
        "A label of 7 among three classes",
        "model.fit(",
        "label value of 7.*\\[0, 3\\)",
        "",
        """
import numpy as np
model = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(3)])
model.compile("sgd", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(np.ones([2, 4], "float32"), np.array([0, 7]), verbose=0)
""",
    ),
    Mistake(
        "`if` of a tensor where AutoGraph is off",
        "if x > 0:",
        "bool",
        "leave that out",
        """
@tf.function(autograph=False)
def positive(x):
    if x > 0:
        return x
    return -x

positive(tf.constant(1.0))
""",
    ),
    Mistake(
        "`for` over a tensor where AutoGraph is off",
        "for x in xs:",
        "[Ii]terating",
        "leave that out",
        """
@tf.function(autograph=False)
def total(xs):
    result = 0.0
    for x in xs:
        result += x
    return result

total(tf.constant([1.0, 2.0]))
""",
    ),
    Mistake(
        "`numpy()` in a tf.function",
        "return x.numpy() / 2",
        "no attribute 'numpy'",
        "outside it",
        """
@tf.function
def half(x):
    return x.numpy() / 2

half(tf.constant(1.0))
""",
    ),
    Mistake(
        "A tensor kept from a tf.function",
        "print(kept[0] + 1)",
        "out of scope",
        "return it from the function|[Uu]se return values",
        """
kept = []

@tf.function
def keep(x):
    kept.append(x * 2)
    return x

keep(tf.constant(1.0))
print(kept[0] + 1)
""",
    ),
    Mistake(
        "A variable made in each call of a tf.function",
        "v = tf.Variable(1.0)",
        "singleton tf.Variables",
        "created outside",
        """
@tf.function
def step(x):
    v = tf.Variable(1.0)
    return v * x

step(tf.constant(1.0))
""",
    ),
    Mistake(
        "An index out of bounds in a tf.function",
        "return tf.gather(table, ids)",
        "indices\\[1\\] = 5 is not in \\[0, 3\\)",
        "",
        """
@tf.function
def rows(table, ids):
    return tf.gather(table, ids)

rows(tf.ones([3, 2]), tf.constant([0, 5]))
""",
    ),
    Mistake(
        "The inverse of a singular matrix in a tf.function",
        "return tf.linalg.inv(m)",
        "not invertible",
        "",
        """
@tf.function
def solve(m):
    return tf.linalg.inv(m)

solve(tf.zeros([2, 2]))
""",
    ),
    Mistake(
        "A reshape to another size",
        "y = tf.reshape(x, [4, 2])",
        "6 values.*8",
        "",
        """
x = tf.range(6)
y = tf.reshape(x, [4, 2])
""",
    ),
    Mistake(
        "Branches with other dtypes",
        "if x > 0:",
        "'y' has dtype float32.*int32",
        "",
        """
@tf.function
def pick(x):
    if x > 0:
        y = x
    else:
        y = 0
    return y

pick(tf.constant(1.0))
""",
    ),
    Mistake(
        "A shape that grows in a loop",
        "for i in tf.range(n):",
        "\\(1,\\).*\\(2,\\)",
        "set_loop_options",
        """
@tf.function
def grow(n):
    x = tf.zeros([1])
    for i in tf.range(n):
        x = tf.concat([x, x], 0)
    return x

grow(tf.constant(3))
""",
    ),
    Mistake(
        "A function of a dataset that does not fit its elements",
        "return tf.reshape(x, [3])",
        "2 elements to shape \\[3\\]",
        "",
        """
def parse(x):
    return tf.reshape(x, [3])

data = tf.data.Dataset.from_tensor_slices(tf.ones([4, 2])).map(parse)
for item in data:
    print(item)
""",
    ),
    Mistake(
        "A variable assigned a value of another shape",
        "w.assign(tf.zeros([3, 2]))",
        "\\(2, 2\\).*\\(3, 2\\)",
        "",
        """
w = tf.Variable(tf.zeros([2, 2]))
w.assign(tf.zeros([3, 2]))
""",
    ),
    Mistake(
        "A list with rows of other lengths",
        "x = tf.constant([[1, 2], [3]])",
        "non-rectangular",
        "tf.ragged",
        """
x = tf.constant([[1, 2], [3]])
""",
    ),
    Mistake(
        "A Keras layer that mixes dtypes",
        "return x * tf.constant(2)",
        "float.*int32",
        "tf.cast",
        """
class Scale(tf.keras.layers.Layer):
    def call(self, x):
        return x * tf.constant(2)

inputs = tf.keras.Input((3,))
Scale()(tf.ones([2, 3]))
""",
    ),
    Mistake(
        "A parameter that does not exist",
        "axes=1",
        "unexpected keyword argument 'axes'",
        "axis",
        """
x = tf.reduce_sum(tf.ones([2, 2]), axes=1)
""",
    ),
)
