"""The layout in memory of the operands and results of a recognized attention."""

from collections.abc import Sequence

from penstock._src.compiler.kernels.attention import COLUMN, ELEMENT, ROW, Attention
from penstock._src.compiler.kernels.views import View
from penstock._src.ir.extents import dims

from .form import Array


def batch_of(attention: Attention) -> str:
    """The letters of the axes over which attentions are done one by one."""
    return attention.letters.replace(ROW, "").replace(COLUMN, "")


def arrays_of(attention: Attention) -> dict[str, Array]:
    """The layouts of the rows of all operands."""
    batch = batch_of(attention)
    rows = {
        "query": (attention.query, ROW),
        "key": (attention.key, COLUMN),
        "value": (attention.value, COLUMN),
    }
    results = {"output": (attention.output, ROW)}
    gradient = attention.gradient
    if gradient is not None:
        rows["seed"] = gradient.seed, ROW
        results |= {
            "query_gradient": (gradient.query, ROW),
            "key_gradient": (gradient.key, COLUMN),
            "value_gradient": (gradient.value, COLUMN),
        }
    arrays = {name: _read(view, cross, batch) for name, (view, cross) in rows.items()}
    for name, (node, cross) in results.items():
        arrays[name] = _stored(attention.letters_of[node.id], node.shape, cross, batch)
    letters = attention.letters.replace(COLUMN, "")
    arrays["statistics"] = _stored(letters, attention.scores.shape[:-1], ROW, batch)
    return arrays


def _read(view: View, cross: str, batch: str) -> Array:
    steps = [dims.settled(view.coefficient(letter)) for letter in cross + batch]
    return Array(dims.settled(view.base), steps[0], tuple(steps[1:]))


def _stored(letters: str, shape: Sequence[int], cross: str, batch: str) -> Array:
    """A stored array whose axis i is letters[i]."""
    steps, step = {}, 1
    for letter, extent in zip(reversed(letters), reversed(shape), strict=True):
        steps[letter] = step
        step = step * dims.settled(extent)
    return Array(0, steps[cross], tuple([steps[c] for c in batch]), steps.get(ELEMENT, 1))
