"""Structures in signatures: named tuples, dataclasses, dictionaries and ragged leaves, through tf.function, nest, loops, datasets and modules."""

import collections
import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(411)
Point = collections.namedtuple("Point", "x y")


class State(NamedTuple):
    position: tf.Tensor
    velocity: tf.Tensor
    step: tf.Tensor


@dataclasses.dataclass
class Batch:
    features: tf.Tensor
    labels: tf.Tensor
    name: str = "batch"

    def __tf_flatten__(self):
        return (self.name,), (self.features, self.labels)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        return cls(*components, name=metadata[0])


def field(position):
    return Point(-position[..., 0], tf.sin(position[..., 1]))


traces = []


@tf.function
def advance(state: State, dt=0.1, *, damping=None):
    traces.append(damping)
    force = tf.stack(field(state.position), -1)
    if damping is not None:
        force -= damping * state.velocity
    velocity = state.velocity + dt * force
    return state._replace(
        position=state.position + dt * velocity, velocity=velocity, step=state.step + 1
    )


state = State(tf.constant([[1.0, 0.5], [0.2, -0.3]]), tf.zeros([2, 2]), tf.constant(0))
for k in range(6):
    state = advance(state, damping=0.3 if k % 2 else None)
print(
    "RESULT state",
    type(state).__name__,
    *state.position.numpy().ravel(),
    int(state.step),
    len(traces),
)


@tf.function
def simulate(state, steps):
    def body(state, history):
        state = advance(state)
        return state, history.write(state.step - 1, state.position)

    history = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
    start = State(state.position, state.velocity, tf.constant(0))
    state, history = tf.while_loop(lambda s, h: s.step < steps, body, [start, history])
    return {
        "end": state,
        "path": history.stack(),
        "energy": [tf.reduce_sum(state.velocity**2), None],
    }


for steps in (3, 5):
    result = simulate(state, tf.constant(steps))
    print(
        "RESULT path",
        result["path"].shape,
        *sorted(result),
        float(result["energy"][0]),
        result["energy"][1],
    )
    print("RESULT end", type(result["end"]).__name__, *result["end"].velocity.numpy().ravel())

batch = Batch(tf.constant(rng.normal(size=(4, 3)).astype("float32")), tf.constant([0, 1, 1, 0]))
flat = tf.nest.flatten(batch, expand_composites=True)
print(
    "RESULT flat",
    len(flat),
    *[type(x).__name__ for x in tf.nest.flatten({"b": 1, "a": (2, [3, Point(4, 5)])})],
)
print(
    "RESULT mapped",
    tf.nest.map_structure(
        lambda a, b: a + b, {"a": Point(1, 2), "b": [3]}, {"a": Point(4, 5), "b": [6]}
    ),
)


@tf.function
def normalized(batch):
    mean, variance = tf.nn.moments(batch.features, [0])
    return Batch(
        (batch.features - mean) * tf.math.rsqrt(variance + 1e-5), batch.labels + 1, batch.name
    )


out = normalized(batch)
print("RESULT batch", type(out).__name__, out.name, *out.features.numpy()[0], *out.labels.numpy())

Sample = collections.namedtuple("Sample", ["image", "meta"])
samples = tf.data.Dataset.from_tensor_slices(
    Sample(
        rng.normal(size=(6, 2, 2)).astype("float32"),
        {"id": np.arange(6), "tags": tf.ragged.constant([[1], [2, 3], [], [4], [5, 6, 7], [8]])},
    )
)
print(
    "RESULT element",
    type(samples.element_spec).__name__,
    *sorted(samples.element_spec.meta),
    samples.element_spec.image.shape,
)


def keep(sample):
    return tf.reduce_sum(sample.meta["tags"]) % 3 != 0


for sample in (
    samples.filter(keep).map(lambda s: s._replace(image=tf.linalg.trace(s.image))).ragged_batch(3)
):
    print(
        "RESULT sample",
        type(sample).__name__,
        *sample.image.numpy(),
        *sample.meta["id"].numpy(),
        sample.meta["tags"].to_list(),
    )
pairs = tf.data.Dataset.zip(
    (samples, tf.data.Dataset.range(10).map(lambda i: Point(i, i * i)))
).shuffle(4, seed=3)
print("RESULT pairs", [(int(s.meta["id"]), int(p.x), int(p.y)) for s, p in pairs])


@tf.function(
    input_signature=[
        {
            "ids": tf.RaggedTensorSpec([None, None], tf.int32),
            "point": Point(tf.TensorSpec([]), tf.TensorSpec([None])),
        },
        [tf.SparseTensorSpec([None, 4]), tf.TensorSpec(None)],
    ]
)
def combine(first, second):
    table = tf.sparse.to_dense(second[0])
    rows = tf.gather(table, tf.minimum(first["ids"], 3), axis=1)
    scale = tf.reduce_sum(second[1])
    return Point(
        tf.cast(tf.rank(second[1]), tf.float32) * scale + first["point"].x, first["point"].y * 2
    ), rows


sparse = tf.sparse.from_dense([[0.0, 1.0, 0.0, 2.0], [3.0, 0.0, 0.0, 0.0]])
for other in (tf.constant(2.0), tf.ones([2, 2]), tf.ones([1, 2, 3])):
    point, rows = combine(
        {"ids": tf.ragged.constant([[0, 1], [3]]), "point": Point(1.0, [1.0, 2.0])}, [sparse, other]
    )
    print("RESULT combined", type(point).__name__, float(point.x), *point.y.numpy(), rows.to_list())
concrete = combine.get_concrete_function()
print(
    "RESULT signature",
    len(concrete.inputs),
    type(concrete.structured_outputs).__name__,
    concrete.structured_outputs[0]._fields,
)


class Layers(tf.Module):
    """Variables under tuples, dictionaries and lists that are tracked."""

    def __init__(self):
        super().__init__()
        self.pair = Point(tf.Variable([1.0, 2.0], name="x"), tf.Variable(3.0, name="y"))
        self.table = {
            "b": tf.Variable([4.0]),
            "a": [tf.Variable(5.0, trainable=False), Point(tf.Variable(6.0), 7.0)],
        }
        self.blocks = [self.make(k) for k in range(3)]

    @tf.Module.with_name_scope
    def make(self, k):
        module = tf.Module(name=f"block_{k}")
        module.w = tf.Variable(tf.fill([2], float(k)), name="w")
        return module


layers = Layers()
print(
    "RESULT variables",
    len(layers.variables),
    len(layers.trainable_variables),
    len(layers.submodules),
    *[v.name for v in layers.variables],
)
checkpoint = tf.train.Checkpoint(layers=layers)
path = checkpoint.write("layers")
names = [name for name, _ in tf.train.list_variables(path)]
print("RESULT names", *names)
for v in layers.variables:
    v.assign(v * 0 - 1)
checkpoint.read(path).assert_consumed()
print("RESULT restored", *[x for v in layers.variables for x in v.numpy().ravel()])
ordered = collections.OrderedDict([("z", tf.constant(1.0)), ("a", tf.constant(2.0))])
swapped = tf.function(lambda d: type(d)((k, d[k] * 2) for k in d))(ordered)
print("RESULT ordered", type(swapped).__name__, *swapped, *[float(v) for v in swapped.values()])
default = collections.defaultdict(
    list, a=[tf.constant(1.0)], b=[tf.constant(2.0), tf.constant(3.0)]
)
added = tf.function(lambda d: tf.nest.map_structure(lambda x: x + 1, d))(default)
print(
    "RESULT default",
    {k: [float(x) for x in v] for k, v in added.items()},
)
try:
    tf.nest.assert_same_structure(Point(1, 2), (1, 2))
except TypeError as error:
    print("RESULT differs", type(error).__name__)
print("RESULT packed", tf.nest.pack_sequence_as({"b": 0, "a": Point(0, [0, 0])}, [1, 2, 3, 4]))
