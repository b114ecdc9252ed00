"""REINFORCE on a corridor: a policy network, discounted returns, an episode a step in eager code."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(71)
LENGTH = 7


def rollout(policy, uniform):
    position, states, actions, rewards = 3, [], [], []
    for k in range(20):
        state = np.eye(LENGTH, dtype="float32")[position]
        probability = tf.nn.softmax(policy(state[None]))[0].numpy()
        action = int(uniform[k] < probability[1])
        position += 1 if action else -1
        reward = 1.0 if position == LENGTH - 1 else -0.05
        states.append(state)
        actions.append(action)
        rewards.append(reward)
        if position in (0, LENGTH - 1):
            break
    return np.array(states), np.array(actions), np.array(rewards, "float32")


def returns_of(rewards, gamma=0.95):
    total, result = 0.0, []
    for reward in rewards[::-1]:
        total = reward + gamma * total
        result.append(total)
    return np.array(result[::-1], "float32")


policy = keras.Sequential(
    [keras.Input((LENGTH,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(2)]
)
optimizer = keras.optimizers.Adam(1e-2)
rng = np.random.default_rng(71)


@tf.function(reduce_retracing=True)
def learn(states, actions, returns):
    with tf.GradientTape() as tape:
        logits = policy(states, training=True)
        chosen = tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)
        entropy = -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), -1)
        loss = tf.reduce_mean(chosen * returns) - 0.01 * tf.reduce_mean(entropy)
    gradients = tape.gradient(loss, policy.trainable_variables)
    optimizer.apply_gradients(zip(gradients, policy.trainable_variables))
    return loss


scores = []
for episode in range(60):
    states, actions, rewards = rollout(policy, rng.random(20))
    loss = learn(states, actions, returns_of(rewards))
    scores.append(rewards.sum())
    if episode % 15 == 14:
        print("RESULT episode", episode, float(loss), np.mean(scores[-15:]))
print("RESULT policy", tf.nn.softmax(policy(np.eye(LENGTH, dtype="float32")))[:, 1].numpy())
