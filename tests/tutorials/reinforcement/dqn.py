"""Deep Q-learning with a replay buffer, a target network, and a grid world seen as an image."""

from collections import deque

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(72)
rng = np.random.default_rng(72)
SIDE, GOAL = 5, (4, 4)


class Grid:
    def reset(self):
        self.place = (0, 0)
        self.steps = 0
        return self.seen()

    def seen(self):
        image = np.zeros((SIDE, SIDE, 2), "float32")
        image[self.place + (0,)] = image[GOAL + (1,)] = 1
        return image

    def step(self, action):
        dy, dx = ((0, 1), (1, 0), (0, -1), (-1, 0))[action]
        self.place = tuple(np.clip(np.add(self.place, (dy, dx)), 0, SIDE - 1))
        self.steps += 1
        done = self.place == GOAL
        return self.seen(), 1.0 if done else -0.02, done or self.steps >= 30


def network():
    inputs = layers.Input((SIDE, SIDE, 2))
    h = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    h = layers.Dense(32, activation="relu")(layers.Flatten()(h))
    value, advantage = layers.Dense(1)(h), layers.Dense(4)(h)
    mean = keras.ops.mean(advantage, axis=1, keepdims=True)
    return keras.Model(inputs, value + advantage - mean)


model, target = network(), network()
target.set_weights(model.get_weights())
optimizer = keras.optimizers.Adam(1e-3, clipnorm=1.0)
huber = keras.losses.Huber()
memory = deque(maxlen=500)


@tf.function
def learn(states, actions, rewards, following, done):
    best = tf.argmax(model(following), -1)
    future = tf.gather(target(following), best, batch_dims=1)
    wanted = rewards + 0.95 * future * (1.0 - done)
    with tf.GradientTape() as tape:
        q = tf.reduce_sum(model(states) * tf.one_hot(actions, 4), axis=1)
        loss = huber(wanted, q)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


world, losses, scores, frame = Grid(), [], [], 0
for _episode in range(16):
    state, done, score = world.reset(), False, 0.0
    while not done:
        frame += 1
        if rng.random() < max(0.1, 1 - frame / 250):
            action = int(rng.integers(4))
        else:
            action = int(tf.argmax(model(state[None], training=False)[0]))
        following, reward, done = world.step(action)
        memory.append((state, action, reward, following, float(world.place == GOAL)))
        state, score = following, score + reward
        if len(memory) >= 32 and frame % 4 == 0:
            picked = [memory[k] for k in rng.choice(len(memory), 32, replace=False)]
            columns = [np.array(column, "float32") for column in zip(*picked)]
            columns[1] = columns[1].astype("int32")
            losses.append(float(learn(*map(tf.constant, columns))))
        if frame % 60 == 0:
            target.set_weights(model.get_weights())
    scores.append(score)
print("RESULT losses", len(losses), np.mean(losses[:10]), np.mean(losses[:30]))
print("RESULT random scores", *scores[:4])
print("RESULT q", model(Grid().reset()[None]).numpy().shape)
