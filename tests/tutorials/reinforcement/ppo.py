"""Proximal policy optimization with a Gaussian policy, generalized advantages and minibatches; also deterministic gradients."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(74)
rng = np.random.default_rng(74)
ENVIRONMENTS, STEPS = 8, 12


def mlp(out, last=None):
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(24, activation="tanh"),
            layers.Dense(24, activation="tanh"),
            layers.Dense(out, last),
        ]
    )


actor, critic = mlp(1), mlp(1)
log_std = tf.Variable([-0.5])
actor_optimizer, critic_optimizer = keras.optimizers.Adam(3e-3), keras.optimizers.Adam(1e-2)


def observe(position, speed):
    return tf.stack([position, speed, position * speed], -1)


def log_probability(mean, action):
    z = (action - mean) * tf.exp(-log_std)
    return tf.reduce_sum(-0.5 * z**2 - log_std - 0.5 * tf.math.log(2 * np.pi), -1)


@tf.function
def collect(position, speed, noise):
    rows = [tf.TensorArray(tf.float32, STEPS) for _ in range(4)]
    for t in tf.range(STEPS):
        seen = observe(position, speed)
        mean = actor(seen)
        action = mean + tf.exp(log_std) * noise[t]
        force = tf.clip_by_value(action[:, 0], -1, 1)
        speed = 0.9 * speed + 0.3 * force
        position = position + 0.3 * speed
        reward = -tf.square(position) - 0.05 * tf.square(force)
        rows = [
            row.write(t, value)
            for row, value in zip(rows, (seen, action, log_probability(mean, action), reward))
        ]
    return [row.stack() for row in rows], critic(observe(position, speed))[:, 0]


def advantages_of(rewards, values, last, gamma=0.97, lam=0.9):
    following = tf.concat([values[1:], last[None]], 0)
    deltas = rewards + gamma * following - values
    return tf.scan(
        lambda total, delta: delta + gamma * lam * total, deltas, tf.zeros_like(last), reverse=True
    )


@tf.function
def update(seen, action, old, advantage, wanted):
    with tf.GradientTape() as tape:
        ratio = tf.exp(log_probability(actor(seen), action) - old)
        clipped = tf.where(advantage > 0, 1.2 * advantage, 0.8 * advantage)
        policy_loss = -tf.reduce_mean(tf.minimum(ratio * advantage, clipped))
    variables = [*actor.trainable_variables, log_std]
    actor_optimizer.apply_gradients(zip(tape.gradient(policy_loss, variables), variables))
    with tf.GradientTape() as tape:
        value_loss = tf.reduce_mean((critic(seen)[:, 0] - wanted) ** 2)
    critic_optimizer.apply_gradients(
        zip(tape.gradient(value_loss, critic.trainable_variables), critic.trainable_variables)
    )
    kl = tf.reduce_mean(old - log_probability(actor(seen), action))
    return policy_loss, value_loss, kl


for epoch in range(5):
    position = rng.uniform(-1, 1, ENVIRONMENTS).astype("float32")
    noise = rng.normal(size=(STEPS, ENVIRONMENTS, 1)).astype("float32")
    (seen, action, old, reward), last = collect(position, tf.zeros(ENVIRONMENTS), noise)
    values = tf.reshape(critic(tf.reshape(seen, [-1, 3])), [STEPS, ENVIRONMENTS])
    advantage = advantages_of(reward, values, last)
    wanted = tf.reshape(advantage + values, [-1])
    flat = tf.reshape(advantage, [-1])
    flat = (flat - tf.reduce_mean(flat)) / (tf.math.reduce_std(flat) + 1e-8)
    rows = (
        tf.reshape(seen, [-1, 3]),
        tf.reshape(action, [-1, 1]),
        tf.reshape(old, [-1]),
        flat,
        wanted,
    )
    for _ in range(4):
        order = rng.permutation(STEPS * ENVIRONMENTS)
        for k in range(0, len(order), 40):
            losses = update(*(tf.gather(row, order[k : k + 40]) for row in rows))
    print("RESULT epoch", epoch, float(tf.reduce_mean(reward)), *(float(loss) for loss in losses))
print("RESULT std", float(tf.exp(log_std)[0]))
print(
    "RESULT actions",
    actor(tf.constant([[0.5, 0, 0], [-0.5, 0, 0], [1.0, 1.0, 1.0]])).numpy().ravel(),
)

quality = keras.Sequential([keras.Input((4,)), layers.Dense(24, "relu"), layers.Dense(1)])
follower = mlp(1, "tanh")
slow = keras.models.clone_model(follower)
slow.set_weights(follower.get_weights())
q_optimizer, p_optimizer = keras.optimizers.Adam(5e-3), keras.optimizers.Adam(2e-3)


@tf.function
def deterministic(seen, action, reward):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((quality(tf.concat([seen, action], 1))[:, 0] - reward) ** 2)
    q_optimizer.apply_gradients(
        zip(tape.gradient(loss, quality.trainable_variables), quality.trainable_variables)
    )
    with tf.GradientTape() as tape:
        gain = -tf.reduce_mean(quality(tf.concat([seen, follower(seen)], 1)))
    p_optimizer.apply_gradients(
        zip(tape.gradient(gain, follower.trainable_variables), follower.trainable_variables)
    )
    for a, b in zip(slow.variables, follower.variables):
        a.assign(0.9 * a + 0.1 * b)
    return loss, gain


for _ in range(12):
    loss, gain = deterministic(rows[0], rows[1], tf.reshape(reward, [-1]))
print("RESULT deterministic", float(loss), float(gain), slow(rows[0][:3]).numpy().ravel())
