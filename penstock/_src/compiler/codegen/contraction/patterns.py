"""Which register tile, and how many different ones: shared by the image kernels."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.native import Target

from .tile import cost, fits


def pick(
    inner: int, total: int, vectors: int, target: Target, most_rows: int = 28
) -> tuple[int, int]:
    """(rows, vectors) of a tile over `total` rows: dividing the inner run if that keeps the multipliers busy.

    Tiles that divide the inner run are all alike and share their code.
    """
    best = None
    total = max(1, total)
    vectors = max(1, vectors)
    for nv in range(1, min(vectors, 4) + 1):
        for r in range(1, min(most_rows, total) + 1):
            if not fits(r, nv, target):
                continue
            ideal = total * vectors / 2
            column = (total // r) * cost(r, nv) + (cost(total % r, nv) if total % r else 0)
            edge = -(-total // r) * cost(r, vectors % nv) if vectors % nv else 0
            kinds = 1 if inner % r == 0 or r % max(1, inner) == 0 else 4
            key = (
                (column * (vectors // nv) + edge) / ideal * (1 + 0.02 * kinds) + 0.15 / r + 0.1 / nv
            )
            if best is None or key < best[0]:
                best = key, r, nv
    return best[1:]


def row_groups(pixels: Sequence[tuple], rows: int) -> list[tuple[tuple, list[tuple]]]:
    """Pixels cut into tiles: (first pixel, all its pixels)."""
    return [(pixels[i], list(pixels[i : i + rows])) for i in range(0, len(pixels), rows)]


def compress(calls: Sequence[tuple]) -> list[tuple]:
    """Runs of equal tiles at equal distances become loops: (a, y, pattern, count, step of a, step of y)."""
    runs: list[tuple] = []
    for a, y, pattern in calls:
        if runs:
            first_a, first_y, known, n, da, dy = runs[-1]
            even = n == 1 or (a - first_a == n * da and y - first_y == n * dy)
            if known == pattern and even:
                runs[-1] = first_a, first_y, known, n + 1, (a - first_a) // n, (y - first_y) // n
                continue
        runs.append((a, y, pattern, 1, 0, 0))
    return runs
