"""The images that the examples here learn from, and pictures of what comes out."""

import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
TRAINING = 8000
PAPER, INK = (255, 255, 255), (32, 36, 44)


def digits():
    """Returns MNIST's digits in this repository as (images, labels), to train on and held out.

    Images are `[n, 28, 28, 1]` float32 from 0 to 1, labels `[n]` int32.
    """
    held = np.load(DATA / "mnist_10k.npz")
    images, labels = held["images"][..., None] / np.float32(255), held["labels"].astype("int32")
    return (images[:TRAINING], labels[:TRAINING]), (images[TRAINING:], labels[TRAINING:])


def as_picture(image, size):
    """Returns an image, `[h, w, 1 or 3]` from 0 to 1, as a picture of a size (width, height)."""
    pixels = np.clip(np.asarray(image) * 255 + 0.5, 0, 255).astype("uint8")
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def grid(path, rows, titles=(), captions=None, size=(64, 64), gap=6):
    """Writes rows of images as one picture.

    Args:
      path: the file; its suffix says the format.
      rows: lists of images, `[h, w, 1 or 3]` from 0 to 1.
      titles: what stands to the left of each row, or nothing.
      captions: for each row, what stands below each of its images, or nothing.
      size: width and height of an image in the picture.
      gap: pixels between images.
    """
    font = ImageFont.load_default(13)
    left = gap + max([font.getlength(title) + gap for title in titles], default=0)
    below = 18 if captions else 0
    width = int(left) + max(map(len, rows)) * (size[0] + gap)
    canvas = Image.new("RGB", (width, gap + len(rows) * (size[1] + gap + below)), PAPER)
    pen = ImageDraw.Draw(canvas)
    for row, images in enumerate(rows):
        y = gap + row * (size[1] + gap + below)
        if titles:
            pen.text((gap, y + size[1] / 2 - 8), titles[row], INK, font)
        for column, image in enumerate(images):
            x = int(left) + column * (size[0] + gap)
            canvas.paste(as_picture(image, size), (x, y))
            if captions:
                pen.text((x, y + size[1] + 2), captions[row][column], INK, font)
    save(canvas, path)


def save(canvas, path):
    """Writes a picture; the file appears whole or not at all."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.part{path.suffix}")
    canvas.save(partial, optimize=True, quality=85)
    partial.replace(path)
