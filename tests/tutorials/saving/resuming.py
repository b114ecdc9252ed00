"""Training that is cut off in the middle of an epoch, and resumed from a checkpoint of model, optimizer, iterator and random state."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(233)
x = rng.normal(size=(90, 5)).astype("float32")
y = (x @ rng.normal(size=(5, 1)) + 0.3).astype("float32")


class Net(tf.Module):
    """Its variables are made at the first call, so they are restored when they come to be."""

    def __init__(self):
        super().__init__()
        self.built, self.layers = False, []

    def __call__(self, x, generator):
        if not self.built:
            for fan in ((x.shape[1], 7), (7, 1)):
                kernel = tf.initializers.GlorotUniform(seed=sum(fan))(fan)
                self.layers.append({"w": tf.Variable(kernel), "b": tf.Variable(tf.zeros(fan[1]))})
            self.built = True
        first, second = self.layers
        h = tf.nn.relu(x @ first["w"] + first["b"])
        keep = tf.cast(generator.uniform(tf.shape(h)) < 0.9, tf.float32)
        return (h * keep / 0.9) @ second["w"] + second["b"]


class Run:
    def __init__(self, folder):
        self.net = Net()
        self.optimizer = tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(0.05, 40)
        )
        self.generator = tf.random.Generator.from_seed(17)
        data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(30, seed=4).batch(16).repeat(3)
        self.iterator = iter(data)
        self.step, self.best = tf.Variable(0, dtype=tf.int64), tf.Variable(np.inf)
        self.checkpoint = tf.train.Checkpoint(
            net=self.net,
            optimizer=self.optimizer,
            generator=self.generator,
            iterator=self.iterator,
            step=self.step,
            best=self.best,
        )
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, folder, max_to_keep=2, step_counter=self.step, checkpoint_interval=2
        )

    def train(self, steps):
        losses = []
        for _ in range(steps):
            images, targets = next(self.iterator)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self.net(images, self.generator) - targets) ** 2)
            variables = self.net.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            self.step.assign_add(1)
            self.best.assign(tf.minimum(self.best, loss))
            self.manager.save()
            losses.append(float(loss))
        return losses


whole = Run("whole").train(14)
print("RESULT whole", *whole)
first = Run("cut")
print("RESULT before", *first.train(7))
print("RESULT kept", *[path.rsplit("/")[-1] for path in first.manager.checkpoints])
second = Run("cut")
path = second.manager.restore_or_initialize()
print("RESULT from", path.rsplit("/")[-1], int(second.step), float(second.best))
after = second.train(8)
print("RESULT after", *after)
print("RESULT same", np.allclose(after[:7], whole[7:], rtol=1e-5), int(second.optimizer.iterations))

reader = tf.train.load_checkpoint(second.manager.latest_checkpoint)
shapes = reader.get_variable_to_shape_map()
names = sorted(name for name, shape in shapes.items() if 7 in shape)
print("RESULT names", len(shapes), *names[:4])
print("RESULT value", float(np.abs(reader.get_tensor(names[0])).sum()), shapes[names[1]])

# Only the weights, into something that has more or other parts.
other = tf.train.Checkpoint(net=Net(), extra=tf.Variable(3.0))
status = other.restore(second.manager.latest_checkpoint)
try:
    status.assert_existing_objects_matched()
except AssertionError as error:
    print("RESULT unmatched", "extra" in str(error) or "Variable" in str(error))
status.expect_partial()
found = other.net(tf.constant(x[:4]), tf.random.Generator.from_seed(1))
print("RESULT restored", *found.numpy().ravel(), float(other.extra))
fresh = Net()
fresh(tf.constant(x[:1]), tf.random.Generator.from_seed(1))
tf.train.Checkpoint(net=fresh).read(second.checkpoint.write("plain/weights")).expect_partial()
print("RESULT read", *[float(tf.norm(v)) for v in fresh.variables])
initial = tf.train.Checkpoint(step=tf.Variable(0))
manager = tf.train.CheckpointManager(initial, "none", None, init_fn=lambda: initial.step.assign(5))
print("RESULT initialized", manager.restore_or_initialize(), int(initial.step))
