"""The images that the examples here learn from, and pictures of what comes out."""

import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
FETCHED = DATA.parents[1] / "build" / "examples"
TRAINING = 8000
PAPER, INK = (255, 255, 255), (32, 36, 44)


def digits():
    """Returns MNIST's digits in this repository as (images, labels), to train on and held out.

    Images are `[n, 28, 28, 1]` float32 from 0 to 1, labels `[n]` int32.
    """
    held = np.load(DATA / "mnist_10k.npz")
    images, labels = held["images"][..., None] / np.float32(255), held["labels"].astype("int32")
    return (images[:TRAINING], labels[:TRAINING]), (images[TRAINING:], labels[TRAINING:])


def fetched(name, file):
    """Returns the path of a file that `examples/data/fetch.py` fetched under a name."""
    path = FETCHED / name / file
    if not path.is_file():
        raise SystemExit(f"{path} is missing: python examples/data/fetch.py {name}")
    return path


# Kinds of emoji, and how the names of Unicode's subgroups for them begin.
KINDS = {
    "animal": ("animal-",),
    "food": ("food-", "drink"),
    "vehicle": ("transport-ground", "transport-air", "transport-water"),
    "clothing": ("clothing",),
    "face": ("face-",),
    "building": ("place-building", "place-religious"),
}


def emoji(kinds):
    """Returns Google's Noto emoji of some of `KINDS`, in a fixed random order.

    Returns:
      Images `[n, 64, 64, 4]` float32 from 0 to 1, the last channel opacity, and the number of each
      one's kind, `[n]` int32.
    """
    records = json.loads(fetched("emoji", "emoji.json").read_text(encoding="utf-8"))
    sheet = Image.open(fetched("emoji", "img/google/sheets-clean/64.png")).convert("RGBA")
    pixels = np.asarray(sheet, dtype="float32") / 255
    images, labels = [], []
    for number, kind in enumerate(kinds):
        for record in records:
            if record["has_img_google"] and record["subcategory"].startswith(KINDS[kind]):
                x, y = 66 * record["sheet_x"] + 1, 66 * record["sheet_y"] + 1
                images.append(pixels[y : y + 64, x : x + 64])
                labels.append(number)
    order = np.random.default_rng(1).permutation(len(images))
    return np.stack(images)[order], np.array(labels, "int32")[order]


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


def boxes_found(path, images, found, size=240):
    """Draws rows of three scenes with what was found in them.

    Args:
      path: the file.
      images: `[n, h, h, 3]` from 0 to 1.
      found: boxes `[n, k, 4]` (top, left, bottom, right), their scores and numbers `[n, k]`.
      size: pixels of a scene in the picture.
    """
    canvas = Image.new("RGB", (3 * size, -(-len(images) // 3) * size), INK)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(18)
    for n, image in enumerate(images):
        x, y = n % 3 * size, n // 3 * size
        canvas.paste(as_picture(image, (size - 3, size - 3)), (x, y))
        for box, score, number in zip(found[0][n], found[1][n], found[2][n]):
            if score > 0.3:
                top, left, bottom, right = box * (size - 3) / len(image)
                pen.rectangle((x + left, y + top, x + right, y + bottom), outline="red", width=2)
                place = x + left, max(y, y + top - 21)
                pen.text(place, f"{number:.0f}  {score:.2f}", "red", font)
    save(canvas, path)


def save(canvas, path):
    """Writes a picture; the file appears whole or not at all."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.part{path.suffix}")
    canvas.save(partial, optimize=True, quality=85)
    partial.replace(path)
