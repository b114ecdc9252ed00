"""Says for each pixel of a scene whether it belongs to an animal, food, a vehicle or the background.

Data: scenes composed of Google's Noto emoji (Apache 2.0) on cuts of scikit-image's photographs (public
domain and CC0); `python examples/data/fetch.py emoji photographs`. What an emoji covers is known from
its opacity. Scenes held out have emoji and photographs that no training scene has.

Result: `IoU`, the mean of the intersections over unions of the four kinds of pixels, some 0.55, and
`object`, the same of what is not background, whatever its kind.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import emoji, fetched, grid
from PIL import Image

KINDS = ["animal", "food", "vehicle"]
COLORS = np.array([[1, 1, 1], [0.9, 0.4, 0.1], [0.2, 0.6, 0.3], [0.2, 0.4, 0.9]], "float32")
TRAINING = "coffee.png", "rocket.jpg", "motorcycle_left.png", "astronaut.png", "color.png"
HELD = "chelsea.png", "hubble_deep_field.jpg"
SIZE, BATCH = 64, 32
L = keras.layers


def scenes(drawings, kinds, photographs, count, seed):
    """Returns scenes `[n, 64, 64, 3]` from 0 to 1, and the kind of each pixel `[n, 64, 64]`, 0 none."""
    random = np.random.default_rng(seed)
    opened = [Image.open(fetched("photographs", name)).convert("RGB") for name in photographs]
    photographs = [np.asarray(image, "float32") / 255 for image in opened]
    images, labels = (
        np.empty((count, SIZE, SIZE, 3), "float32"),
        np.zeros((count, SIZE, SIZE), "int32"),
    )
    for n in range(count):
        photo = photographs[random.integers(len(photographs))]
        y, x = random.integers(photo.shape[0] - SIZE), random.integers(photo.shape[1] - SIZE)
        images[n] = photo[y : y + SIZE, x : x + SIZE]
        for _ in range(random.integers(1, 3)):
            which, side = random.integers(len(drawings)), int(random.integers(24, 45))
            drawing = Image.fromarray((drawings[which] * 255).astype("uint8"))
            drawing = drawing.rotate(random.uniform(-20, 20)).resize((side, side))
            pixels = np.asarray(drawing, "float32")[:, :: random.choice([-1, 1])] / 255
            top, left = random.integers(0, SIZE - side, 2)
            area = slice(top, top + side), slice(left, left + side)
            opacity = pixels[..., 3:]
            images[n][area] += opacity * (pixels[..., :3] - images[n][area])
            labels[n][area][opacity[..., 0] > 0.5] = kinds[which] + 1
    return images, labels


def twice(x, filters):
    """Returns `x` after two convolutions."""
    for _ in range(2):
        x = L.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = L.ReLU()(L.BatchNormalization(momentum=0.9)(x))
    return x


def make_model():
    """Returns a U-Net from scenes to the logits of the kinds of their pixels."""
    images = x = keras.Input((SIZE, SIZE, 3))
    skipped = []
    for filters in (16, 32, 48):
        skipped.append(twice(x, filters))
        x = L.MaxPooling2D()(skipped[-1])
    x = L.Dropout(0.2)(twice(x, 96))
    for filters in (48, 32, 16):
        x = L.Conv2DTranspose(filters, 2, 2)(x)
        x = twice(L.Concatenate()([x, skipped.pop()]), filters)
    return keras.Model(images, L.Conv2D(len(KINDS) + 1, 1)(x))


def overlaps(labels, answers):
    """Returns the mean intersection over union of all kinds, and that of everything but background."""
    kinds = keras.metrics.MeanIoU(len(KINDS) + 1)
    kinds.update_state(labels, answers)
    there, found = labels > 0, answers > 0
    return float(kinds.result()), np.sum(there & found) / np.sum(there | found)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    drawings, kinds = emoji(KINDS)
    split = len(drawings) * 3 // 4
    images, labels = scenes(drawings[:split], kinds[:split], TRAINING, 64 if quick else 2000, 1)
    held, held_labels = scenes(drawings[split:], kinds[split:], HELD, 300, 2)
    epochs = 1 if quick else 7
    model = make_model()
    rates = keras.optimizers.schedules.CosineDecay(4e-3, epochs * -(-len(images) // BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rates), loss, metrics=["accuracy"])
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH)
    data = data.map(lambda x, y: (tf.image.random_brightness(x, 0.1, seed=1), y)).prefetch(2)
    model.fit(data, epochs=epochs, shuffle=False, verbose=2)

    answers = tf.argmax(model.predict(held, batch_size=50, verbose=0), axis=-1).numpy()
    iou, of_objects = overlaps(held_labels, answers)
    if picture:
        rows = [held[:8], COLORS[answers[:8]], COLORS[held_labels[:8]]]
        grid(picture, [list(row) for row in rows], ("scene", "found", "truth"), size=(96, 96))
    print(f"segmentation: IoU {iou:.3f}, object {of_objects:.3f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
