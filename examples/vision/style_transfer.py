"""Paints a photograph in the manner of another image, through what a MobileNetV2 sees in both.

Data: a cat, an astronaut, stained tissue and stars of scikit-image (public domain and CC0), and real
weights of MobileNetV2 (`pretrained.py`; MIT): `python examples/data/fetch.py photographs mobilenet`.
The pixels themselves are trained (Gatys and others, 2015): correlations of features become those of
the style, features of a deeper layer and the sums of differences between neighbors stay as they are.

Result: `style`, what is left of the distance between the correlations, some 0.1, and `content`, how far
the deeper features moved, of what the style image's are away.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import fetched, grid
from PIL import Image, ImageOps
from pretrained import mobilenet

SIZE = 160
STYLE = "Conv1_relu", "block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu"
CONTENT = "block_5_add"
PAIRS = ("chelsea.png", "ihc.png"), ("astronaut.png", "hubble_deep_field.jpg")


def photograph(name):
    """Returns the middle of a photograph, `[1, 160, 160, 3]` from 0 to 1."""
    image = Image.open(fetched("photographs", name)).convert("RGB")
    return np.asarray(ImageOps.fit(image, (SIZE, SIZE)), "float32")[None] / 255


def correlations(features):
    """Returns the mean products of each two channels, `[channels, channels]`."""
    flat = tf.reshape(features, [-1, features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)


def distance(a, b):
    """Returns how far two tensors are from each other, of the second one's length."""
    return tf.reduce_sum((a - b) ** 2) / tf.reduce_sum(b**2)


def paint(features, content, style, steps):
    """Returns the painting, what is left of the distance of styles, and how far the content moved."""
    *style_features, _ = features(2 * style - 1)
    wanted_style = [correlations(f) for f in style_features]
    wanted_content = features(2 * content - 1)[-1]
    painting = tf.Variable(content)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.03, steps))
    optimizer.build([painting])

    def style_loss(found):
        pairs = zip(found, wanted_style)
        return tf.add_n([distance(correlations(f), wanted) for f, wanted in pairs])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            *found, deep = features(2 * painting - 1)
            rough = tf.reduce_mean(tf.image.total_variation(painting)) / SIZE**2
            style, content = style_loss(found), distance(deep, wanted_content)
            loss = style + 0.3 * content + 0.5 * rough
        optimizer.apply_gradients([(tape.gradient(loss, painting), painting)])
        painting.assign(tf.clip_by_value(painting, 0.0, 1.0))
        return style, content

    first, content_now = step()
    style_now = first
    for number in range(steps):
        style_now, content_now = step()
        if number % 50 == 0:
            print(f"step {number}: style {style_now:.3f}, content {content_now:.3f}")
    apart = distance(features(2 * style - 1)[-1], wanted_content)
    return painting.numpy(), float(style_now / first), float(content_now / apart)


def main(quick, picture):
    network = mobilenet(SIZE)
    layers = [network.get_layer(name).output for name in (*STYLE, CONTENT)]
    features = keras.Model(network.input, layers)
    features.trainable = False
    left, moved, rows = [], [], []
    for content, style in PAIRS[:1] if quick else PAIRS:
        content, style = photograph(content), photograph(style)
        painting, of_style, of_content = paint(features, content, style, 5 if quick else 200)
        left.append(of_style)
        moved.append(of_content)
        rows.append([content[0], style[0], painting[0]])
    if picture:
        captions = [["photograph", "style", "painting"]] * len(rows)
        grid(picture, rows, captions=captions, size=(240, 240))
    print(f"style_transfer: style {np.mean(left):.3f}, content {np.mean(moved):.3f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
