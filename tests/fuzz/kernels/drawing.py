"""A random case: which letters there are, how operands are seen, what follows."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from tests.fuzz.kernels.case import Case, Step
from tests.fuzz.kernels.tails import Axis, tail

EXTENTS = [1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 100, 130]
MOST_WORK, MOST_ELEMENTS = 300_000, 60_000
DTYPES = ["float32"] * 6 + ["float64", "bfloat16", "bfloat16", "float16", "int8", "int32"]
FLOATS = ["float32", "float32", "float64", "bfloat16", "float16"]
DISABLED = ["attention", "winograd", "epilogues", "rows", "merge", "contractions", "simplify"]


def draw(seed: int) -> Case:
    """Returns the case of a seed: a contraction for each second one."""
    r = random.Random(seed)
    while True:
        draft = _contraction(r) if seed % 2 else r.choice(OTHERS)(r)
        if draft is not None and _is_small(draft):
            break
    symbolic = r.choice(sorted(draft.extents)) if draft.extents and r.random() < 0.3 else ""
    if symbolic in draft.fixed:
        symbolic = ""

    def axes(letters: str) -> list[Axis]:
        return [(draft.extents.get(c, draft.own), c == symbolic) for c in letters]

    return Case(
        draft.core,
        draft.operands,
        draft.extents,
        tuple(_views(r, axes(letters)) for letters in draft.operands),
        tail(r, axes(draft.out), draft.dtype),
        draft.dtype,
        symbolic,
        _options(r),
    )


@dataclass(frozen=True)
class _Draft:
    """An operation, before views and tail; the letter "*" of its result has an extent of its own."""

    core: Step
    operands: tuple[str, ...]
    out: str
    extents: dict[str, int]
    dtype: str
    own: int = 0
    fixed: str = ""  # letters whose extents the core names


def _is_small(draft: _Draft) -> bool:
    sizes = [
        prod(draft.extents.get(c, draft.own) for c in letters)
        for letters in (*draft.operands, draft.out)
    ]
    return prod(draft.extents.values()) <= MOST_WORK and max(sizes) <= MOST_ELEMENTS


def _extents(r: random.Random, letters: Iterable[str]) -> dict[str, int]:
    choices = EXTENTS if r.random() < 0.5 else EXTENTS[:12]
    return {c: r.choice(choices) for c in sorted(set(letters))}


def _contraction(r: random.Random) -> _Draft:
    names = iter("abcdefghijklmnop")

    def some(most: int, least: int = 0) -> list[str]:
        return [next(names) for _ in range(r.randint(least, most))]

    batch, rows, columns, depth = some(2), some(2), some(2), some(2, 1)
    alone = some(1) if r.random() < 0.1 else []  # summed, in one operand only
    left, right, out = batch + rows + depth + alone, batch + columns + depth, batch + rows + columns
    for letters in (left, right, out):
        if r.random() < 0.7:
            r.shuffle(letters)
    if r.random() < 0.5:
        left, right = right, left
    operands = "".join(left), "".join(right)
    core = ("contract", "".join(out))
    return _Draft(core, operands, core[1], _extents(r, left + right), r.choice(DTYPES))


def _some_letters(r: random.Random, least: int = 1) -> str:
    return "abcd"[: r.randint(least, 4)]


def _combination(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    kind = r.choice(["add", "sub", "mul", "maximum", "minimum"])
    return _Draft(
        ("combine", kind), (letters, letters), letters, _extents(r, letters), r.choice(DTYPES)
    )


def _reduction(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    axes = sorted(r.sample(range(len(letters)), r.randint(1, len(letters))))
    out = "".join(c for a, c in enumerate(letters) if a not in axes)
    core = ("reduce", r.choice(["sum", "sum", "max", "min"]), *axes)
    return _Draft(core, (letters,), out, _extents(r, letters), r.choice(DTYPES))


def _recurrence(r: random.Random) -> _Draft:
    """Steps of each element, as many as one of two operands says."""
    letters = _some_letters(r)
    core = ("step", r.choice([0, 1, 7, 40]))
    return _Draft(core, (letters, letters), letters, _extents(r, letters), r.choice(FLOATS[:3]))


def _place(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    axis = r.randrange(len(letters))
    core = ("place", r.choice(["max", "min"]), axis)
    out = letters[:axis] + letters[axis + 1 :]
    extents = {c: min(n, 100) for c, n in _extents(r, letters).items()}
    return _Draft(core, (letters,), out, extents, r.choice(["float32", "float64", "int32"]))


def _norm(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    axes = sorted(r.sample(range(len(letters)), r.randint(1, len(letters))))
    core = (r.choice(["softmax", "normalize"]), *axes)
    return _Draft(core, (letters,), letters, _extents(r, letters), r.choice(FLOATS))


def _attention(r: random.Random) -> _Draft:
    lead = "ab"[: r.randint(0, 2)]
    operands = f"{lead}qw", f"{lead}kw", f"{lead}kv"
    extents = _extents(r, f"{lead}qwkv")
    return _Draft(
        ("attend", r.random() < 0.5), operands, f"{lead}qv", extents, r.choice(FLOATS[:3])
    )


def _scan(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    flags = r.random() < 0.5, r.random() < 0.5
    core = ("scan", r.choice(["sum", "max"]), r.randrange(len(letters)), *flags)
    return _Draft(core, (letters,), letters, _extents(r, letters), r.choice(FLOATS[:3]))


def _sort(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    core = ("sort", r.randrange(len(letters)), r.random() < 0.5)
    return _Draft(core, (letters,), letters, _extents(r, letters), r.choice(DTYPES))


def _pick(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    axis, count = r.randrange(len(letters)), r.randint(1, 9)
    out = letters[:axis] + "*" + letters[axis + 1 :]
    return _Draft(
        ("pick", axis, count), (letters,), out, _extents(r, letters), r.choice(DTYPES), count
    )


def _spread(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    rows = r.randint(1, 9)
    core = ("spread", r.choice(["add", "add", "max"]), rows)
    dtype = r.choice(["float32", "float64", "int32"])
    return _Draft(core, (letters,), "*" + letters[1:], _extents(r, letters), dtype, rows)


def _connection(r: random.Random) -> _Draft:
    letters = _some_letters(r)
    axis = r.randrange(len(letters))
    other = letters[:axis] + "z" + letters[axis + 1 :]
    extents = _extents(r, letters + "z")
    own = extents[letters[axis]] + extents["z"]
    out = letters[:axis] + "*" + letters[axis + 1 :]
    fixed = letters[axis] + "z"
    return _Draft(("connect", axis), (letters, other), out, extents, r.choice(DTYPES), own, fixed)


OTHERS = [
    _combination, _reduction, _reduction, _place, _norm, _norm, _attention, _attention, _scan, _sort, _pick, _spread,
    _connection, _recurrence,
]  # fmt: skip


def _views(r: random.Random, axes: list[Axis]) -> tuple[Step, ...]:
    """Steps from the operand to its array; an axis of unknown extent is not cut, joined or padded."""
    steps: list[Step] = []
    for _ in range(r.choice([0, 0, 1, 1, 2, 3])):
        found = _view(r, axes)
        if found is not None:
            step, axes = found
            steps.append(step)
    return tuple(steps)


def _view(r: random.Random, axes: list[Axis]) -> tuple[Step, list[Axis]] | None:
    rank = len(axes)
    kind = r.choice(["transposed", "transposed", "repeated", "added", "sliced", "reversed", "padded", "parted",
                     "joined", "windows", "windows", "computed"])  # fmt: skip
    if kind == "computed":
        return (kind,), axes
    if not rank:
        return None
    if kind == "transposed":
        perm = r.sample(range(rank), rank)
        return (kind, *perm), [axes[perm.index(a)] for a in range(rank)]
    axis = r.randrange(rank)
    n, is_symbolic = axes[axis]
    before, after = axes[:axis], axes[axis + 1 :]
    if kind == "repeated":
        return (kind, axis), [*before, (1, False), *after]
    if kind == "added":
        return (kind, axis), [*before, *after]
    if kind == "reversed":
        return (kind, axis), axes
    if is_symbolic:
        return None
    if kind == "sliced":
        low, high, stride = r.randint(0, 2), r.randint(0, 2), r.choice([1, 1, 2, 3])
        return (kind, axis, low, high, stride), [
            *before,
            (low + (n - 1) * stride + 1 + high, False),
            *after,
        ]
    if kind == "padded" and n > 3:
        low, high = r.randint(0, 2), r.randint(0, 1)
        return (kind, axis, low, high), [*before, (n - low - high, False), *after]
    if kind == "parted" and after and not after[0][1]:
        return (kind, axis), [*before, (n * after[0][0], False), *after[1:]]
    if kind == "joined":
        inner = r.choice([d for d in range(1, n + 1) if n % d == 0])
        return (kind, axis, inner), [*before, (n // inner, False), (inner, False), *after]
    if kind == "windows" and axis < rank - 1 and not axes[-1][1]:
        stride, dilation = r.choice([1, 1, 2]), r.choice([1, 1, 2])
        source = (n - 1) * stride + (axes[-1][0] - 1) * dilation + 1
        low = r.randint(0, min(2, source - 1))
        return (kind, axis, stride, dilation, low), [*before, (source - low, False), *after[:-1]]
    return None


def _options(r: random.Random) -> dict[str, object]:
    """What the compiler is told beside verifying the plan."""
    return r.choice([{}, {}, {"guard": 1}, {"checked": 1}, {"disable": r.choice(DISABLED)}])
