"""Learns to balance a pole on a cart: proximal policy optimization with eight environments at once.

Data: none but what happens in CartPole-v1 of gymnasium. A cart is pushed to the left or the right in each
of at most 500 steps, with a reward of 1 for each step in which the pole on it stands.

Result: `reward`, the mean sum of 20 episodes after training, some 500, the most there is.
"""

import argparse

import penstock as tf
import gymnasium
import keras
import numpy as np

L = keras.layers
ENVIRONMENTS, STEPS, BATCH = 8, 128, 256
DISCOUNT, SMOOTHING, CLIP = 0.99, 0.95, 0.2


def make_network(outputs):
    """Returns a network from observations of the cart and the pole."""
    start = keras.initializers.Orthogonal
    return keras.Sequential(
        [
            keras.Input((4,)),
            L.Dense(64, activation="tanh", kernel_initializer=start(1.4, seed=1)),
            L.Dense(64, activation="tanh", kernel_initializer=start(1.4, seed=2)),
            L.Dense(outputs, kernel_initializer=start(0.01, seed=3)),
        ]
    )


class Agent:
    """A policy, which chooses, and a critic, which says what reward is to come."""

    def __init__(self, updates):
        self.policy, self.critic = make_network(2), make_network(1)
        rate = keras.optimizers.schedules.PolynomialDecay(2e-3, updates, 0.0)
        self.adam = keras.optimizers.Adam(rate, global_clipnorm=0.5)
        self.variables = self.policy.trainable_variables + self.critic.trainable_variables

    @tf.function
    def act(self, observations):
        """Returns log probabilities of the actions `[n, 2]` and the reward to come `[n]`."""
        return tf.nn.log_softmax(self.policy(observations)), self.critic(observations)[:, 0]

    @tf.function
    def learn(self, observations, actions, before, advantages, returns):
        """Makes one step on a batch; `before` are the log probabilities that actions had."""
        with tf.GradientTape() as tape:
            log_probabilities, values = self.act(observations)
            chosen = tf.gather(log_probabilities, actions, batch_dims=1)
            ratio = tf.exp(chosen - before)
            clipped = tf.clip_by_value(ratio, 1 - CLIP, 1 + CLIP)
            gain = tf.reduce_mean(tf.minimum(ratio * advantages, clipped * advantages))
            entropy = -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=1)
            wrong = tf.reduce_mean((values - returns) ** 2)
            loss = -gain + 0.5 * wrong - 0.01 * tf.reduce_mean(entropy)
        self.adam.apply(tape.gradient(loss, self.variables), self.variables)


def collect(agent, environments, observations, random):
    """Plays STEPS steps and returns what to learn from, each `[STEPS * ENVIRONMENTS, ...]`.

    Returns:
      Observations, actions, their log probabilities, advantages and returns; and the
      observations after the last step.
    """
    steps = []
    for _ in range(STEPS):
        log_probabilities, values = (part.numpy() for part in agent.act(observations))
        actions = (random.random(ENVIRONMENTS) > np.exp(log_probabilities[:, 0])).astype("int32")
        after, rewards, ended, cut, _ = environments.step(actions)
        over = ended | cut
        chosen = log_probabilities[np.arange(ENVIRONMENTS), actions]
        steps.append((observations, actions, chosen, values, rewards.astype("float32"), over))
        observations = after.astype("float32")
    seen, actions, chosen, values, rewards, over = map(np.stack, zip(*steps))
    following = agent.act(observations)[1].numpy()
    advantages, running = np.zeros_like(values), np.zeros(ENVIRONMENTS, "float32")
    for step in reversed(range(STEPS)):
        goes_on = 1.0 - over[step]
        surprise = rewards[step] + DISCOUNT * following * goes_on - values[step]
        running = surprise + DISCOUNT * SMOOTHING * goes_on * running
        advantages[step], following = running, values[step]
    rows = [seen, actions, chosen, advantages, advantages + values]
    return [part.reshape(-1, *part.shape[2:]) for part in rows], observations


def play(agent, episodes):
    """Returns the sums of rewards of episodes in which the likelier action is taken `[episodes]`."""
    environments = gymnasium.make_vec("CartPole-v1", episodes, vectorization_mode="sync")
    observations, _ = environments.reset(seed=100)
    sums, running = np.zeros(episodes), np.ones(episodes, bool)
    while running.any():
        actions = np.argmax(agent.act(observations.astype("float32"))[0], axis=1)
        observations, rewards, ended, cut, _ = environments.step(actions)
        sums += rewards * running
        running &= ~(ended | cut)
    return sums


def main(quick):
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    rounds, epochs = (5 if quick else 60), 4
    agent = Agent(rounds * epochs * STEPS * ENVIRONMENTS // BATCH)
    environments = gymnasium.make_vec(
        "CartPole-v1",
        ENVIRONMENTS,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
    )
    observations = environments.reset(seed=1)[0].astype("float32")
    for number in range(1, rounds + 1):
        rows, observations = collect(agent, environments, observations, random)
        rows[3] = (rows[3] - rows[3].mean()) / (rows[3].std() + 1e-6)
        for _ in range(epochs):
            for places in random.permutation(STEPS * ENVIRONMENTS).reshape(-1, BATCH):
                agent.learn(*(tf.constant(part[places]) for part in rows))
        if number % 10 == 0:
            print(
                f"after {number * STEPS * ENVIRONMENTS} steps: reward {play(agent, 4).mean():.0f}"
            )
    print(f"cart_pole: reward {play(agent, 20).mean():.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    main(**vars(parser.parse_args()))
