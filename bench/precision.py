"""Trains the transformer on real text under several dtype policies: loss curves and speed.

The text is Python's language reference (pydoc_data.topics), split into words and punctuation; the 8000 most common are the
vocabulary. All policies start from the same weights and see the same batches. The models alternate every few steps, so that
changes in the machine's speed affect all alike. Speed is that of the best step of each.


Usage: precision.py [--stand-in penstock] [--steps 200] [--policies float32,mixed_bfloat16,mixed_float16]
"""

import argparse
import collections
import importlib
import re
import time
from pydoc_data import topics

import numpy as np

TURN = 5
LENGTH, BATCH, WORDS = 128, 16, 8000


def words():
    """Returns the text as token ids below WORDS; 0 is for rare words."""
    text = re.findall(
        r"\w+|\s+|[^\w\s]", "\n".join(topics.topics[name] for name in sorted(topics.topics))
    )
    common = collections.Counter(text).most_common(WORDS - 1)
    numbers = {word: i for i, (word, _) in enumerate(common, 1)}
    return np.array([numbers.get(word, 0) for word in text], np.int32)


def batches(steps):
    """Returns `steps` batches (tokens, the tokens that follow)."""
    text, random = words(), np.random.default_rng(0)
    starts = random.integers(0, len(text) - LENGTH - 1, (steps, BATCH, 1))
    windows = text[starts + np.arange(LENGTH + 1)]
    return windows[..., :-1], windows[..., 1:]


def models(keras, policies):
    """Returns a compiled transformer for each policy, all with the same weights."""
    from zoo import MODELS

    found = {}
    for policy in policies:
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(1)
        found[policy] = MODELS["transformer"](keras, np.random.default_rng(1))[0]
    weights = found[policies[0]].get_weights()
    for model in found.values():
        model.set_weights(weights)
    return found


def train(model, inputs, targets, losses):
    """Runs a step for each batch; appends to `losses` and returns the best step's time in seconds."""
    best = float("inf")
    for x, y in zip(inputs, targets, strict=True):
        start = time.perf_counter()
        losses.append(float(model.train_on_batch(x, y)))
        best = min(best, time.perf_counter() - start)
        model.reset_metrics()
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stand-in", default="penstock")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--policies", default="float32,mixed_bfloat16,mixed_float16")
    options = parser.parse_args()
    if options.stand_in:
        importlib.import_module(options.stand_in).install_as_tensorflow()
    import keras

    policies = options.policies.split(",")
    found = models(keras, policies)
    inputs, targets = batches(options.steps)
    losses = {policy: [] for policy in policies}
    best = dict.fromkeys(policies, float("inf"))
    for first in range(0, options.steps, TURN):
        turn = slice(first, first + TURN)
        for policy in policies:
            seconds = train(found[policy], inputs[turn], targets[turn], losses[policy])
            best[policy] = min(best[policy], seconds)
    print("mean loss of steps " + "".join(f"{policy:>16s}" for policy in policies))
    every = max(1, options.steps // 10)
    for first in range(0, options.steps, every):
        means = [np.mean(losses[policy][first : first + every]) for policy in policies]
        print(f"{first:8d} - {first + every:8d}" + "".join(f"{mean:16.4f}" for mean in means))
    print("ms of the best step" + "".join(f"{best[policy] * 1e3:16.1f}" for policy in policies))
    print("times the first    " + "".join(f"{best[policies[0]] / best[p]:16.2f}" for p in policies))


if __name__ == "__main__":
    main()
