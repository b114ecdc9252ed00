"""A masked tensor as an ExtensionType: dispatch of operators, functions and names, in tf.function, datasets, loops, Keras and files."""

# ruff: noqa: UP006, UP007, UP035 (as the guide of extension types writes them)
from typing import Mapping, Tuple, Union

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(401)


class MaskedGradient:
    """What of a masked tensor has a gradient."""

    def get_gradient_components(self, value):
        return value.values

    def replace_gradient_components(self, value, gradient):
        return gradient if gradient is None else MaskedTensor(gradient, value.mask)


class MaskedTensor(tf.experimental.BatchableExtensionType):
    """Values of which some are missing."""

    __name__ = "tutorials.MaskedTensor"
    __composite_gradient__ = MaskedGradient()

    values: tf.Tensor
    mask: tf.Tensor

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)

    def __init__(self, values, mask=None):
        self.values = tf.convert_to_tensor(values)
        self.mask = (
            tf.ones_like(self.values, tf.bool) if mask is None else tf.convert_to_tensor(mask)
        )

    def __validate__(self):
        self.values.shape.assert_is_compatible_with(self.mask.shape)

    def with_default(self, default):
        return tf.where(self.mask, self.values, tf.cast(default, self.dtype))

    def __repr__(self):
        return f"<MaskedTensor {self.shape}>"

    def __add__(self, other):
        return tf.add(self, other)

    def __mul__(self, other):
        return tf.multiply(self, other)

    def __truediv__(self, other):
        return tf.divide(self, other)

    def __rsub__(self, other):
        return tf.subtract(other, self)

    def __gt__(self, other):
        return tf.greater(self, other)

    def __neg__(self):
        return tf.negative(self)

    class Spec:
        @property
        def shape(self):
            return self.values.shape

        @property
        def dtype(self):
            return self.values.dtype


class Network(tf.experimental.ExtensionType):
    """Weights under names, sizes, and a scale that is no tensor."""

    weights: Mapping[str, tf.Tensor]
    sizes: Tuple[int, ...]
    names: Tuple[str, ...]
    scale: float = 0.5
    extra: Union[MaskedTensor, tf.Tensor, None] = None

    def __call__(self, x):
        for name in self.names:
            x = tf.tanh(x @ self.weights[name]) * self.scale
        return x


@tf.experimental.dispatch_for_api(tf.matmul, {"a": MaskedTensor})
def masked_matmul(
    a,
    b,
    transpose_a=False,
    transpose_b=False,
    adjoint_a=False,
    adjoint_b=False,
    a_is_sparse=False,
    b_is_sparse=False,
    output_type=None,
    grad_a=False,
    grad_b=False,
    name=None,
):
    return tf.matmul(a.with_default(0), b, transpose_a, transpose_b)


@tf.experimental.dispatch_for_api(tf.reduce_sum)
def masked_sum(input_tensor: MaskedTensor, axis=None, keepdims=False, name=None):
    return tf.reduce_sum(input_tensor.with_default(0), axis, keepdims)


@tf.experimental.dispatch_for_api(tf.reduce_mean)
def masked_mean(input_tensor: MaskedTensor, axis=None, keepdims=False, name=None):
    count = tf.reduce_sum(tf.cast(input_tensor.mask, input_tensor.dtype), axis, keepdims)
    return tf.reduce_sum(input_tensor, axis, keepdims) / count


@tf.experimental.dispatch_for_api(tf.stack)
def masked_stack(values: list[MaskedTensor], axis=0, name="stack"):
    return MaskedTensor(
        tf.stack([v.values for v in values], axis), tf.stack([v.mask for v in values], axis)
    )


@tf.experimental.dispatch_for_unary_elementwise_apis(MaskedTensor)
def masked_unary(api, x):
    return MaskedTensor(api(x.values), x.mask)


@tf.experimental.dispatch_for_binary_elementwise_apis(
    Union[MaskedTensor, tf.Tensor], Union[MaskedTensor, tf.Tensor]
)
def masked_binary(api, x, y):
    x = x if isinstance(x, MaskedTensor) else MaskedTensor(x)
    y = y if isinstance(y, MaskedTensor) else MaskedTensor(y)
    return MaskedTensor(api(x.values, y.values), x.mask & y.mask)


def draw(*shape):
    return MaskedTensor(rng.normal(size=shape).astype("float32"), rng.random(shape) < 0.7)


def show(name, x):
    print("RESULT", name, *np.round(x.with_default(-9).numpy().ravel(), 5))


a, b = draw(2, 3), draw(2, 3)
print("RESULT type", isinstance(a, tf.experimental.ExtensionType), a.shape, a.dtype.name, repr(a))
show("added", a + b)
show("product", a * b)
show("difference", tf.constant([1.0, 2.0, 3.0]) - tf.zeros([2, 3]) - a)
show("functions", tf.exp(tf.abs(a)) / tf.sqrt(b * b + MaskedTensor(tf.ones([2, 3]))))
show("larger", MaskedTensor(tf.cast((a > b).values, tf.float32), (a > b).mask))
show("stacked", tf.stack([a, b], axis=1))
print("RESULT product", *tf.matmul(a, tf.ones([2, 2]), transpose_a=True).numpy()[0])
print("RESULT sums", *tf.reduce_sum(a, 0).numpy(), float(tf.reduce_mean(b)))
spec = tf.type_spec_from_value(a)
print(
    "RESULT spec",
    spec.shape,
    spec.dtype.name,
    type(spec).__name__,
    spec == tf.type_spec_from_value(b),
)
print(
    "RESULT compatible",
    MaskedTensor.Spec(
        tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3], tf.bool)
    ).is_compatible_with(a),
)

traces = []


@tf.function(
    input_signature=[
        MaskedTensor.Spec(tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3], tf.bool)),
        tf.TensorSpec([], tf.int32),
    ]
)
def grow(x, steps):
    traces.append(x.shape)
    for _ in tf.range(steps):
        x = x + tf.sin(x)
    if tf.reduce_sum(x) > 0:
        y = x * MaskedTensor(tf.ones_like(x.values) * 2.0)
    else:
        y = -x
    return y, tf.reduce_sum(y, axis=1)


for rows in (2, 4, 1):
    y, sums = grow(draw(rows, 3), tf.constant(3))
    show("grown", y)
    print("RESULT sums", *sums.numpy(), len(traces))

variable = tf.Variable([[1.0, -1.0, 0.5]])
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(MaskedTensor(variable * a.values, a.mask)))
print("RESULT gradient", *tape.gradient(loss, variable).numpy().ravel())
with tf.GradientTape() as tape:
    tape.watch(a)
    loss = tf.reduce_sum(tf.exp(a) * b)
gradient = tape.gradient(loss, a)
print("RESULT of type", type(gradient).__name__, *np.round(gradient.values.numpy().ravel(), 5))

dataset = tf.data.Dataset.from_tensor_slices(draw(7, 3))
dataset = dataset.map(lambda x: tf.square(x)).batch(3)
print("RESULT dataset", dataset.element_spec.shape, [tuple(x.shape) for x in dataset])
for batch in dataset.unbatch().batch(4):
    print("RESULT batch", *tf.reduce_sum(batch, 1).numpy())
mapped = tf.map_fn(tf.reduce_mean, draw(4, 3), fn_output_signature=tf.float32)
print("RESULT mapped", *mapped.numpy())

sizes = (3, 4, 2)
network = Network(
    weights={
        f"w{k}": rng.normal(size=s).astype("float32") for k, s in enumerate(zip(sizes, sizes[1:]))
    },
    sizes=sizes,
    names=("w0", "w1"),
)
print(
    "RESULT network", network.scale, network.sizes, network.extra is None, *sorted(network.weights)
)
x = tf.constant(rng.normal(size=(2, 3)).astype("float32"))
print("RESULT called", *network(x).numpy().ravel())
print("RESULT compiled", *tf.function(lambda n, x: n(x))(network, x).numpy().ravel())
other = Network(network.weights, sizes, ("w0",), scale=0.25, extra=a)
print("RESULT other", *other(x).numpy().ravel(), other.extra.shape, network == other)
try:
    network.scale = 1.0
except AttributeError as error:
    print("RESULT frozen", type(error).__name__)
for wrong in (dict(sizes=(1.5,)), dict(names="w0"), dict(scale="big")):
    try:
        Network(**{**dict(weights=network.weights, sizes=sizes, names=("w0",)), **wrong})
    except TypeError as error:
        print("RESULT wrong", type(error).__name__)


class Model(tf.Module):
    @tf.function(
        input_signature=[
            MaskedTensor.Spec(tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3], tf.bool))
        ]
    )
    def scale(self, x):
        return tf.reduce_mean(x, axis=-1), x * MaskedTensor(tf.ones_like(x.values) * 3.0)


module = Model()
module.network = tf.Variable(2.0)
tf.saved_model.save(module, "module")
means, scaled = tf.saved_model.load("module").scale(a)
print("RESULT loaded", *means.numpy(), type(scaled).__name__)
show("scaled", scaled)
