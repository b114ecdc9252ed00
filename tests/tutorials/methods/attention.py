"""What attention and gradients show: scores returned by layers, Grad-CAM, integrated gradients, adversarial examples."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(124)
rng = np.random.default_rng(124)
x = rng.normal(size=(140, 16, 16, 1)).astype("float32")
y = rng.integers(0, 2, 140)
x[y == 1, 4:9, 4:9] += 1.0

inputs = keras.Input((16, 16, 1))
h = layers.Conv2D(12, 3, activation="relu", padding="same", name="last")(
    layers.MaxPooling2D(2)(layers.Conv2D(8, 3, padding="same", activation="relu")(inputs))
)
h = layers.GlobalAveragePooling2D()(h)
model = keras.Model(inputs, layers.Dense(2)(h))
model.compile(
    keras.optimizers.Adam(5e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
print("RESULT loss", *model.fit(x, y, epochs=4, batch_size=48, verbose=0).history["loss"])

grad_model = keras.Model(model.inputs, [model.get_layer("last").output, model.output])
with tf.GradientTape() as tape:
    maps, predictions = grad_model(x[:3])
    channel = tf.reduce_max(predictions, 1)
gradients = tape.gradient(channel, maps)
pooled = tf.reduce_mean(gradients, axis=(1, 2))
heat = tf.nn.relu(tf.einsum("nijc,nc->nij", maps, pooled))
heat = heat / (tf.reduce_max(heat, (1, 2), keepdims=True) + 1e-9)
print("RESULT heat", heat.shape, tf.reduce_mean(heat, (1, 2)).numpy())


@tf.function
def integrated(image, baseline, label, steps):
    alphas = tf.linspace(0.0, 1.0, steps + 1)[:, None, None, None]
    path = baseline + alphas * (image - baseline)
    with tf.GradientTape() as tape:
        tape.watch(path)
        chance = tf.gather(tf.nn.softmax(model(path)), label, axis=1)
    gradients = tape.gradient(chance, path)
    average = tf.reduce_mean((gradients[:-1] + gradients[1:]) / 2, 0)
    return (image - baseline) * average, chance


for k in range(2):
    attributions, chance = integrated(
        x[k], tf.zeros([16, 16, 1]), tf.constant(y[k]), tf.constant(20)
    )
    print("RESULT integrated", k, float(tf.reduce_sum(attributions)), float(chance[-1] - chance[0]))


@tf.function
def adversarial(images, labels, epsilon):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images)))
    return images + epsilon * tf.sign(tape.gradient(loss, images)), loss


for epsilon in (0.0, 0.1, 0.3):
    attacked, loss = adversarial(tf.constant(x[:40]), tf.constant(y[:40]), epsilon)
    print("RESULT attacked", epsilon, float(loss), model.evaluate(attacked, y[:40], verbose=0))

tokens = tf.constant(rng.normal(size=(2, 7, 12)), tf.float32)
mask = tf.sequence_mask([7, 4], 7)
mha = layers.MultiHeadAttention(num_heads=3, key_dim=4)
out, scores = mha(tokens, tokens, return_attention_scores=True, attention_mask=mask[:, None, :])
print(
    "RESULT heads",
    scores.shape,
    float(tf.reduce_max(scores[1, :, :, 4:])),
    tf.reduce_sum(scores, -1).numpy().ravel()[:3],
    float(tf.norm(out)),
)
causal, causal_scores = mha(tokens, tokens, return_attention_scores=True, use_causal_mask=True)
print("RESULT causal", causal_scores[0, 0, 2].numpy(), float(tf.norm(causal)))
grouped = layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
print("RESULT grouped", float(tf.norm(grouped(tokens, tokens))))
luong, weights = layers.Attention(use_scale=True, score_mode="dot")(
    [tokens, tokens], mask=[mask, mask], return_attention_scores=True
)
additive = layers.AdditiveAttention()([tokens[:, :3], tokens])
print("RESULT others", float(tf.norm(luong)), weights[1, 0].numpy(), float(tf.norm(additive)))
values = layers.Dense(12)(tokens)
dot = tf.nn.softmax(tf.matmul(tokens, values, transpose_b=True) / np.sqrt(12.0)) @ values
print("RESULT by hand", float(tf.norm(dot)), dot[1, 3].numpy())
