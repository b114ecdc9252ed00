"""Draws digits with their predictions, and a confusion matrix, as one PNG."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELL, GAP, COLUMNS, ROWS = 56, 10, 12, 6
INK, PAPER, RIGHT, WRONG = (32, 36, 44), (250, 250, 248), (46, 125, 80), (200, 50, 47)
SQUARE = 42


def draw(images, labels, answers, accuracy, path):
    """Writes the picture.

    Args:
      images: `[n, 28, 28]`, from 0 to 1.
      labels: `[n]`, the true digits.
      answers: `[n]`, the predicted digits.
      accuracy: the fraction of correct predictions.
      path: the PNG file.
    """
    wrong = np.flatnonzero(answers != labels)
    right = np.flatnonzero(answers == labels)
    count = COLUMNS * ROWS
    shown = np.concatenate([wrong[: 2 * COLUMNS], right])[:count]
    left = COLUMNS * (CELL + GAP) + GAP
    matrix = confusion(labels, answers)
    canvas = Image.new("RGB", (left + 11 * SQUARE + 60, 70 + ROWS * (CELL + 30) + GAP), PAPER)
    pen = ImageDraw.Draw(canvas)
    title = f"{accuracy:.2%} of {len(labels)} held-out digits; mistakes first"
    pen.text((GAP, 18), title, INK, ImageFont.load_default(20))
    for place, index in enumerate(shown):
        x = GAP + place % COLUMNS * (CELL + GAP)
        y = 60 + place // COLUMNS * (CELL + 30)
        draw_digit(canvas, pen, images[index], labels[index], answers[index], x, y)
    draw_matrix(pen, matrix, left + 40, 90)
    partial = path.with_name(path.name + ".part")
    canvas.save(partial, "PNG")
    partial.replace(path)


def confusion(labels, answers):
    """Returns the confusion counts: rows true digit, columns predicted."""
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, answers), 1)
    return matrix


def draw_digit(canvas, pen, image, label, answer, x, y):
    """Draws one digit with its prediction below and, if that is wrong, the true digit."""
    pixels = Image.fromarray((255 - image * 255).astype("uint8")).resize((CELL, CELL))
    canvas.paste(pixels, (x, y))
    right = label == answer
    text = f"{answer}" if right else f"{answer}, is {label}"
    pen.rectangle((x, y, x + CELL, y + CELL), outline=RIGHT if right else WRONG, width=2)
    pen.text((x + 2, y + CELL + 4), text, RIGHT if right else WRONG, ImageFont.load_default(14))


def draw_matrix(pen, matrix, x, y):
    """Draws the confusion matrix: rows are the true digits, columns the predictions."""
    font = ImageFont.load_default(14)
    pen.text((x, y - 44), "answers", INK, font)
    for i in range(10):
        pen.text((x + i * SQUARE + 16, y - 22), str(i), INK, font)
        pen.text((x - 18, y + i * SQUARE + 12), str(i), INK, font)
    for i in range(10):
        for j in range(10):
            share = matrix[i, j] / max(1, matrix[i].sum())
            base = RIGHT if i == j else WRONG
            strength = share if i == j else min(1.0, share * 20)
            fill = tuple(int(p + (b - p) * strength) for p, b in zip(PAPER, base))
            box = (x + j * SQUARE, y + i * SQUARE, x + (j + 1) * SQUARE, y + (i + 1) * SQUARE)
            pen.rectangle(box, fill=fill, outline=(225, 225, 222))
            if matrix[i, j]:
                color = PAPER if strength > 0.5 else INK
                pen.text((box[0] + 8, box[1] + 12), str(matrix[i, j]), color, font)
