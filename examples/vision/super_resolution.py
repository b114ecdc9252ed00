"""Enlarges photographs three times, sharper than bicubic interpolation does.

Data: photographs of scikit-image (public domain and CC0; `python examples/data/fetch.py photographs`).
Patches of six are learned from, a cat and an astronaut are held out. Each photograph is made
smaller, and the network (ESPCN, on top of bicubic interpolation) brings the details back.

Result: `gain`, by how many decibels of PSNR the network is above bicubic interpolation, on average
over the photographs held out, some 0.5.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import fetched, grid
from PIL import Image

TRAINING = "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png", "color.png", "retina.jpg"
HELD = "chelsea.png", "astronaut.png"
TIMES, PATCH, BATCH = 3, 24, 32
L = keras.layers


def photograph(name):
    """Returns a photograph `[h, w, 3]` from 0 to 1, with sides that are multiples of `TIMES`."""
    pixels = np.asarray(Image.open(fetched("photographs", name)).convert("RGB"), "float32") / 255
    height, width = (side // TIMES * TIMES for side in pixels.shape[:2])
    return pixels[:height, :width]


def smaller(images):
    """Returns images a third of their size."""
    size = images.shape[-3] // TIMES, images.shape[-2] // TIMES
    return tf.clip_by_value(tf.image.resize(images, size, "bicubic", antialias=True), 0.0, 1.0)


class Enlarge(L.Layer):
    """Adds what a network found for each part of a pixel to the image that interpolation enlarges."""

    def call(self, images, details):
        shape = tf.shape(images)
        plain = tf.image.resize(images, TIMES * shape[1:3], "bicubic")
        return plain + tf.nn.depth_to_space(details, TIMES)


def make_model():
    """Returns a network from images of any size to images three times as large."""
    images = keras.Input((None, None, 3))
    # What differs from a pixel's surroundings is what details can be told from.
    x = L.Rescaling(10.0)(images - L.AveragePooling2D(5, 1, padding="same")(images))
    for size in (5, 3, 3, 3):
        x = L.Conv2D(32, size, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    details = L.Rescaling(0.1)(L.Conv2D(3 * TIMES**2, 3, padding="same")(x))
    return keras.Model(images, Enlarge()(images, details))


def patches(photographs, count):
    """Returns random cuts of photographs, `[n, 72, 72, 3]`, some of them turned."""
    random, side, cuts = np.random.default_rng(1), PATCH * TIMES, []
    for _ in range(count):
        photo = photographs[random.integers(len(photographs))]
        y, x = (random.integers(0, extent - side) for extent in photo.shape[:2])
        cuts.append(np.rot90(photo[y : y + side, x : x + side], int(random.integers(4))))
    return np.stack(cuts)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    sharp = patches([photograph(name) for name in TRAINING], 64 if quick else 3000)
    epochs = 1 if quick else 10
    model = make_model()
    rates = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(sharp) // BATCH))
    model.compile(keras.optimizers.Adam(rates), "mean_squared_error")
    data = tf.data.Dataset.from_tensor_slices((smaller(sharp), sharp))
    data = data.shuffle(len(sharp), seed=1).batch(BATCH).prefetch(2)
    model.fit(data, epochs=epochs, shuffle=False, verbose=2)

    gains, rows = [], []
    for name, (y, x) in zip(HELD, [(60, 120), (30, 160)]):
        photo = photograph(name)[None]
        small = smaller(photo)
        plain = tf.clip_by_value(tf.image.resize(small, photo.shape[1:3], "bicubic"), 0.0, 1.0)
        large = tf.clip_by_value(model(small), 0.0, 1.0)
        of_plain, of_large = (float(tf.image.psnr(i, photo, 1.0)[0]) for i in (plain, large))
        print(f"{name}: bicubic {of_plain:.2f} dB, network {of_large:.2f} dB")
        gains.append(of_large - of_plain)
        nearest = np.repeat(np.repeat(small, TIMES, 1), TIMES, 2)
        shown = [np.asarray(image)[0] for image in (nearest, plain, large, photo)]
        rows.append([image[y : y + 150, x : x + 150] for image in shown])
    if picture:
        grid(
            picture,
            rows,
            captions=[["given", "bicubic", "network", "original"]] * 2,
            size=(225, 225),
        )
    print(f"super_resolution: gain {np.mean(gains):.2f} dB")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
