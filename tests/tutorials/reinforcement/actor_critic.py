"""Actor and critic that share a network on a little pole to balance; whole episodes inside of tf.function."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(73)
eps = np.finfo(np.float32).eps.item()


class ActorCritic(tf.keras.Model):
    def __init__(self, actions, hidden):
        super().__init__()
        self.common = layers.Dense(hidden, activation="relu")
        self.actor, self.critic = layers.Dense(actions), layers.Dense(1)

    def call(self, inputs):
        x = self.common(inputs)
        return self.actor(x), self.critic(x)


def step(state, action):
    """A cart with a pole, after a step of 0.02 s; done when it has fallen."""
    x, v, angle, turn = tf.unstack(state)
    force = tf.where(action == 1, 10.0, -10.0)
    sine, cosine = tf.sin(angle), tf.cos(angle)
    common = (force + 0.05 * turn**2 * sine) / 1.1
    turning = (9.8 * sine - cosine * common) / (0.5 * (4.0 / 3.0 - 0.1 * cosine**2 / 1.1))
    moving = common - 0.05 * turning * cosine / 1.1
    new = tf.stack([x + 0.02 * v, v + 0.02 * moving, angle + 0.02 * turn, turn + 0.02 * turning])
    return new, tf.abs(new[2]) > 0.21


model = ActorCritic(2, 24)
huber = tf.keras.losses.Huber(reduction="sum")
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)


def run_episode(initial, seed, limit):
    probabilities = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    values = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    rewards = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    state = initial
    shape = state.shape
    for t in tf.range(limit):
        logits, value = model(tf.expand_dims(state, 0))
        drawn = tf.random.stateless_uniform([], seed=tf.stack([seed, t]))
        chance = tf.nn.softmax(logits)
        action = tf.cast(drawn < chance[0, 1], tf.int32)
        values = values.write(t, tf.squeeze(value))
        probabilities = probabilities.write(t, chance[0, action])
        state, done = step(state, action)
        state.set_shape(shape)
        rewards = rewards.write(t, 1.0)
        if done:
            break
    return probabilities.stack(), values.stack(), rewards.stack()


def expected_return(rewards, gamma):
    n = tf.shape(rewards)[0]
    returns = tf.TensorArray(dtype=tf.float32, size=n)
    rewards = rewards[::-1]
    total = tf.constant(0.0)
    for i in tf.range(n):
        total = rewards[i] + gamma * total
        total.set_shape([])
        returns = returns.write(i, total)
    returns = returns.stack()[::-1]
    return (returns - tf.reduce_mean(returns)) / (tf.math.reduce_std(returns) + eps)


@tf.function
def train_step(initial, seed, limit):
    with tf.GradientTape() as tape:
        probabilities, values, rewards = run_episode(initial, seed, limit)
        returns = expected_return(rewards, 0.99)
        probabilities, values, returns = (
            tf.expand_dims(x, 1) for x in (probabilities, values, returns)
        )
        actor_loss = -tf.reduce_sum(tf.math.log(probabilities) * (returns - values))
        loss = actor_loss + huber(values, returns)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, tf.math.reduce_sum(rewards)


model(tf.zeros([1, 4]))
for episode in range(14):
    start = tf.random.stateless_uniform([4], [episode, 9], -0.05, 0.05)
    loss, reward = train_step(start, tf.constant(episode), tf.constant(60))
    print("RESULT episode", episode, float(loss), int(reward))
print("RESULT values", model(tf.constant([[0.0, 0, 0.1, 0], [0, 0, -0.1, 0]]))[1].numpy().ravel())
