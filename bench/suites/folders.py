"""Folders of pictures of which each has another size: decoded, resized and stacked."""

import pathlib
import tempfile
import time

import numpy as np

TITLE = "Folders of pictures"
NOTE = (
    "Milliseconds for a picture of a folder of 300 JPEGs of different sizes, resized to 128 x 128 and stacked by 32: in the first pass of a "
    "process, in the first pass of a new dataset over the same folder, and in the best of three passes after that."
)
BACKENDS = ["penstock", "tensorflow"]
LOWER = {"first_ms", "new_dataset_ms", "later_ms"}
PICTURES, CLASSES, SIZE, BATCH = 300, 5, (128, 128), 32


def written(tf, folder):
    """Writes the pictures, each with blocks of colors and noise; returns their paths."""
    random, paths = np.random.default_rng(0), []
    for number in range(PICTURES):
        height, width = random.integers(80, 400, 2)
        blocks = random.integers(0, 255, (height // 16 + 1, width // 16 + 1, 3))
        pixels = np.kron(blocks, np.ones((16, 16, 1)))[:height, :width]
        pixels = np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
        path = folder / f"class {number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_jpeg(pixels, quality=85).numpy())
        paths.append(str(path))
    return paths


def of_directory(tf, folder, _paths):
    """Keras's own reader of folders."""
    import keras

    return keras.utils.image_dataset_from_directory(
        str(folder), image_size=SIZE, batch_size=BATCH, shuffle=False, verbose=False
    )


def mapped(tf, paths, method, threads):
    """A function of a path that decodes, resizes and scales."""

    def load(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, SIZE, method) / 255.0

    files = tf.data.Dataset.from_tensor_slices(paths)
    return files.map(load, num_parallel_calls=threads).batch(BATCH)


def cropped(tf, paths):
    """A function that also flips and crops at random, as for training."""

    def load(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.resize(image, (144, 144))
        image = tf.image.random_crop(tf.image.random_flip_left_right(image), (*SIZE, 3))
        return tf.image.per_image_standardization(image)

    return tf.data.Dataset.from_tensor_slices(paths).map(load).batch(BATCH)


PROGRAMS = {
    "image_dataset_from_directory": of_directory,
    "map": lambda tf, _, paths: mapped(tf, paths, "bilinear", None),
    "map, in threads": lambda tf, _, paths: mapped(tf, paths, "bilinear", tf.data.AUTOTUNE),
    "map, bicubic": lambda tf, _, paths: mapped(tf, paths, "bicubic", None),
    "map, cropped at random": lambda tf, _, paths: cropped(tf, paths),
}
CASES = list(PROGRAMS)


def passed(dataset):
    """Milliseconds for a picture in a pass over a dataset."""
    start = time.perf_counter()
    for _ in dataset:
        pass
    return (time.perf_counter() - start) * 1e3 / PICTURES


def measure(case, backend):
    """Times passes over a folder that was just written."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = written(tf, folder)
        first = passed(PROGRAMS[case](tf, folder, paths))
        dataset = PROGRAMS[case](tf, folder, paths)
        figures = {"first_ms": first, "new_dataset_ms": passed(dataset)}
        return figures | {"later_ms": min(passed(dataset) for _ in range(3))}
