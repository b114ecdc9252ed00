"""Models whose train_step is their own."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def step_models(keras: Any, tf: Any) -> dict[str, Any]:
    """A class of model for each kind of step."""

    def log(model, loss, y, predictions):
        for metric in model.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, predictions)
        return {metric.name: metric.result() for metric in model.metrics}

    class Tape(keras.Model):
        """The step as the guides write it."""

        def train_step(self, data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight)
            weights = self.trainable_weights
            gradients = tape.gradient(loss, weights)
            self.optimizer.apply(gradients, weights)
            return log(self, loss, y, predictions)

    class Clipped(keras.Model):
        """Clips by the global norm; the loss has the weights' norm in it."""

        def train_step(self, data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            weights = self.trainable_weights
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight)
                norm = tf.add_n([tf.reduce_sum(tf.square(w.value)) for w in weights])
                total = loss + 1e-3 * tf.cast(norm, loss.dtype)
            gradients = tape.gradient(total, weights)
            gradients = [
                tf.zeros_like(w.value) if g is None else g for g, w in zip(gradients, weights)
            ]
            gradients, norm = tf.clip_by_global_norm(gradients, 0.5)
            self.optimizer.apply(gradients, weights)
            return {**log(self, total, y, predictions), "norm": norm}

    class Penalty(keras.Model):
        """Adds the square of the norm of the gradient for the inputs: gradients of gradients."""

        def train_step(self, data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            x = tf.nest.map_structure(tf.convert_to_tensor, x)
            parts = list(x) if isinstance(x, (list, tuple)) else [x]
            floats = [p for p in parts if p.dtype.is_floating]
            weights = self.trainable_weights
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    for part in floats:
                        inner.watch(part)
                    predictions = self(x, training=True)
                    loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight)
                slopes = inner.gradient(loss, floats)
                sums = [
                    tf.reduce_sum(tf.square(s), axis=list(range(1, len(s.shape))))
                    for s in slopes
                    if s is not None
                ]
                penalty = tf.add_n([tf.reduce_mean((tf.sqrt(s + 1e-3) - 1) ** 2) for s in sums])
                total = loss + tf.cast(penalty, loss.dtype)
            self.optimizer.apply(outer.gradient(total, weights), weights)
            return {**log(self, total, y, predictions), "penalty": penalty}

    return {"keras": keras.Model, "tape": Tape, "clipped": Clipped, "penalty": Penalty}
