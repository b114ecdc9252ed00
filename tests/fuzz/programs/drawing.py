"""Draws programs. Each step is run as it is drawn, eagerly, on every sample and on one perturbed by rounding.

What cannot be run, gives too large numbers, or hangs on rounding is not taken. So a program is valid for all of its sizes,
and shapes need no rules: a dimension that is the same in all samples is written as a number, another by tf.shape.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from tests.fuzz.programs.helpers import HELPERS
from tests.fuzz.programs.noise import Noise, distance, largest
from tests.fuzz.programs.program import (
    NAME,
    Block,
    Parameter,
    Program,
    Step,
    array_of,
    code_of,
    load,
    render,
    render_step,
    uses,
)

FLOATS = ("float32", "float64", "float16", "bfloat16")
COMPLEX = ("complex64", "complex128")
SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*FLOATS, *COMPLEX, *INTEGERS)
WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 31, 32, 64)
# What a batch may be: of one sample after the other, the last is the odd one.
BATCHES = ((6, 4, 1), (8, 3, 0), (5, 32, 2), (4, 7, 1), (16, 6, 0), (3, 64, 1))
# Three unknown extents: equal, products of one another, one more, 0, 1 and primes.
EXTENTS = (
    (6, 6, 3), (4, 2, 8), (5, 6, 30), (1, 4, 5), (0, 3, 3), (7, 7, 7), (2, 3, 6), (12, 4, 3), (13, 11, 12),
    (1, 1, 1), (3, 0, 1), (8, 9, 10), (4, 4, 16), (3, 2, 1), (17, 16, 2), (2, 2, 4), (31, 32, 33), (5, 1, 5),
)  # fmt: skip
# Samples of programs with three unknown extents: of most, and of every so many, which see more shapes than a block is planned for.
FEW_SAMPLES, MANY_SAMPLES, MANY_EACH = 5, 20, 8
ALIKE = 7  # of many samples the first, whose extents have the same remainders by 2, 3, 4, 6 and 12
DEEPEST = 4  # blocks in blocks
MOST_WORK = 2_000_000  # elements that one loop computes
CLOSE = 0.02  # what rounding may change, of the largest element


@dataclass(frozen=True)
class Limits:
    """How large values may be."""

    elements: int
    row: int  # elements of an argument's row
    absolute: float
    half: float  # absolute value of a float16


SMALL = Limits(12_000, 2000, 3000.0, 100.0)
# Over what one task, one part of a sum or one block of a product takes; every so many seeds.
WIDE, WIDE_EACH = Limits(300_000, 70, 300_000.0, 30_000.0), 6
# A product of two values by their rows takes 200 MB at most.
WIDE_BATCHES = ((4099, 40, 1), (5003, 3, 0), (2048, 5000, 1), (4096, 1, 7))


class Rejected(Exception):
    """The step that was drawn cannot be taken."""


@dataclass
class Value:
    """A value in scope: its name, type and shape in each sample."""

    name: str
    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    number: int
    finite: bool = True
    used: bool = False

    def __str__(self):
        self.used = True
        return self.name

    @property
    def rank(self):
        return len(self.shapes[0])

    @property
    def size(self):
        return max(int(np.prod(s)) for s in self.shapes)

    @property
    def rows(self):
        return max(s[0] for s in self.shapes)

    def extent(self, axis):
        """Returns the number of an axis, None if samples differ."""
        found = {s[axis] for s in self.shapes}
        return found.pop() if len(found) == 1 else None

    @property
    def static(self):
        """Returns the shape, None for dimensions in which samples differ."""
        return tuple(self.extent(i) for i in range(self.rank))

    def length(self, axis):
        """Returns the text of a dimension."""
        n = self.extent(axis)
        return str(n) if n is not None else f"tf.shape({self})[{axis}]"


class Drawing:
    """What all scopes of one program share: parameters, samples, numbering."""

    def __init__(self, tf, seed):
        self.tf, self.seed = tf, seed
        self.random = np.random.default_rng([seed, 9])
        self.limits = WIDE if seed % WIDE_EACH == WIDE_EACH - 1 else SMALL
        batches = WIDE_BATCHES if self.limits is WIDE else BATCHES
        self.batches = batches[self.random.integers(len(batches))]
        self.lengths = tuple(int(n) for n in self.random.permutation([5, 9, 3]))
        self.samples = 3
        self.extents = None  # of each sample, where there are three unknown ones
        if seed % 2 == 0 and self.limits is SMALL:
            self.samples = MANY_SAMPLES if seed % MANY_EACH == 0 else FEW_SAMPLES
            chosen = self.random.permutation(len(EXTENTS))[: self.samples]
            self.extents = [EXTENTS[i] for i in chosen]
            while len(self.extents) < self.samples:
                self.extents.append(tuple(int(n) for n in self.random.integers(0, 20, 3)))
            # What is learned from the first sizes must not be taken for the others.
            if self.samples == MANY_SAMPLES:
                alike = self.random.integers(0, 4, (ALIKE, 3)) * 12 + 1
                self.extents[:ALIKE] = map(tuple, alike.tolist())
        self.numbers_of_extents = set()  # names of numbers below 5 that extents decide
        self.named_numbers = 0.25  # how many of them are steps of their own
        self.parameters = []
        self.numbers = itertools.count()
        self.known = str(
            self.random.choice(["batch"] * 3 + ["static"] * 2 + ["most"] * 2 + ["nothing"])
        )
        # Which families of steps are drawn more often.
        self.weights = {}
        self.budget = 0  # steps that may still be drawn, blocks' among them
        self.home = "float32"

    def name(self, prefix="v"):
        return f"{prefix}{next(self.numbers)}"


class Scope:
    """Values that steps may use, and the steps drawn so far: of the program, or of a block in it."""

    def __init__(self, drawing, envs, values, depth):
        self.drawing, self.envs, self.values, self.depth = drawing, envs, list(values), depth
        self.outer = len(self.values)
        self.random, self.tf = drawing.random, drawing.tf
        self.steps, self.names = [], []
        self.work = 0  # elements computed, those of blocks among them
        self.focus = None  # the value that the next pick gives, if it fits

    # -- choices

    def choose(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, probability):
        return self.random.random() < probability

    def int(self, low, high):
        """Returns a number from low to high, both among them."""
        return int(self.random.integers(low, high + 1))

    def pick(self, dtypes=NUMBERS, low=0, high=6, where=None):
        """Returns a value, more often a late one."""

        def fits(v):
            known = v.finite and v.dtype in dtypes and low <= v.rank <= high
            return known and (where is None or where(v))

        focus, self.focus = self.focus, None
        if focus is not None and fits(focus):
            return focus
        fitting = [v for v in self.values if fits(v)]
        if not fitting:
            raise Rejected
        recent = min(len(fitting) - 1, int(self.random.exponential(2.5)))
        return fitting[-1 - recent]

    def width(self):
        return int(self.choose(WIDTHS))

    def axis(self, x, where=lambda n: True):
        """Returns an axis of a value, at times counted from the end."""
        axes = [i for i in range(x.rank) if where(x.extent(i))]
        if not axes:
            raise Rejected
        axis = self.choose(axes)
        return axis - x.rank if self.chance(0.3) else axis

    def axes(self, x):
        """Returns some axes of a value, in order: the first ones, the last ones, or any."""
        cut = self.int(0, x.rank - 1)
        if self.chance(0.6):
            return list(range(cut + 1)) if self.chance(0.6) else list(range(cut, x.rank))
        found = [i for i in range(x.rank) if self.chance(0.5)]
        return found or [self.int(0, x.rank - 1)]

    # -- new values

    def parameter(self, shapes, dtype=None, known=None, prefix="v"):
        """Adds an argument (or a variable, `x`) to the program; returns its value."""
        drawing = self.drawing
        dtype = dtype or drawing.home
        shapes = tuple(tuple(int(n) for n in s) for s in shapes)
        seed = 10 * int(self.random.integers(1000))
        made = Parameter(drawing.name(prefix), dtype, shapes, known, seed)
        drawing.parameters.append(made)
        value = Value(made.name, dtype, shapes, -1)
        tf = self.tf
        for sample in range(drawing.samples):
            tensor = tf.cast(tf.constant(array_of(made, sample)), dtype)
            for env in self.envs_of(sample):
                env[made.name] = tf.Variable(tensor) if prefix == "x" else tensor
        return value

    def envs_of(self, sample):
        """Yields the environments of a sample: those of all scopes, as blocks see what is around them."""
        return self.envs[sample]

    def weights(self, shape, dtype):
        """Returns the text of weights: an argument or constants."""
        if self.chance(0.5) or dtype in COMPLEX:
            known = tuple(shape)
            value = self.parameter([shape] * self.drawing.samples, dtype, known)
            return str(value)
        return f"draws({int(self.random.integers(1000))}, {list(shape)}, {dtype!r})"

    def add(self, text, count=1, targets=None, **options):
        """Takes a step, if it can be run; returns its values. Raises Rejected."""
        if targets is None:
            targets = tuple(self.drawing.name() for _ in range(count))
        step = Step(targets, text, **options)
        values = self.run(step)
        self.steps.append(step)
        self.values += values
        self.work += sum(value.size for value in values)
        self.drawing.budget -= 1
        return values

    def run(self, step):
        """Runs a step in all environments; returns what it gives as values."""
        exact, noisy = (code_of("\n".join(render_step(step, noisy))) for noisy in (False, True))
        for envs in self.envs:
            for env, code in zip(envs, (exact, noisy), strict=True):
                try:
                    exec(code, env)
                except Exception as error:
                    raise Rejected(f"{type(error).__name__}: {error}") from error
        return [self.value_of(name) for name in step.targets]

    def value_of(self, name):
        """Returns the value of a name that was assigned in all environments."""
        shapes, finite, dtypes = [], True, set()
        for exact, noisy in self.envs:
            if not self.tf.is_tensor(exact[name]):
                raise Rejected("no tensor")
            a, b = np.asarray(exact[name].numpy()), np.asarray(noisy[name].numpy())
            limits = self.drawing.limits
            if a.size > limits.elements or a.ndim > 6 or a.dtype.kind in "OSU":
                raise Rejected("too large")
            size, away = largest(a), distance(a, b)
            if away > CLOSE * max(size, 1e-3) * (5 if a.dtype.itemsize == 2 else 1):
                raise Rejected("hangs on rounding")
            most = limits.half if a.dtype == np.float16 else limits.absolute
            if size > most and a.dtype.kind not in "iu":
                raise Rejected("large numbers")
            if a.dtype.kind not in "biu" and not np.isfinite(a.astype(np.complex128)).all():
                finite = False
            shapes.append(tuple(int(n) for n in a.shape))
            dtypes.add(exact[name].dtype.name)
        if not finite and not self.chance(0.2):
            raise Rejected("not finite")
        if len({len(s) for s in shapes}) > 1 or len(dtypes) > 1:
            raise Rejected("ranks differ")
        return Value(name, dtypes.pop(), tuple(shapes), len(self.steps), finite)

    def block(self, names, values, wanted, results, repeats=1):
        """Draws the body of a block.

        Args:
          names: of its arguments, which are bound in the environments of `values`.
          values: one Value for each.
          wanted: how many steps.
          results: function of the scope that gives the texts of what the block returns; it may add steps.
          repeats: how often it is run; what computes too much in all is rejected.
        """
        inner = Scope(self.drawing, [[dict(e) for e in envs] for envs in self.envs],
                      [*self.values, *values], self.depth + 1)  # fmt: skip
        inner.parent = self
        inner.grow(wanted)
        if repeats > 1 and repeats * inner.work > MOST_WORK:
            raise Rejected("a long loop over large values")
        self.work += repeats * inner.work
        texts = tuple(str(text) for text in results(inner))
        self.copy_parameters(inner)
        return Block(tuple(names), tuple(inner.steps), texts)

    def copy_parameters(self, inner):
        """Makes arguments that a block has asked for known here."""
        for p in self.drawing.parameters:
            for envs, found in zip(self.envs, inner.envs, strict=True):
                for env, source in zip(envs, found, strict=True):
                    if p.name not in env and p.name in source:
                        env[p.name] = source[p.name]

    def bind(self, name, value, texts):
        """Binds a name in all environments to what a text gives in each; returns it as a value."""
        for envs in self.envs:
            for env in envs:
                try:
                    env[name] = eval(texts, env)
                except Exception as error:
                    raise Rejected(str(error)) from error
        return self.value_of(name)

    def grow(self, wanted):
        """Draws steps until there are as many, or it has failed often."""
        from tests.fuzz.programs.steps import STEPS

        names = list(STEPS)
        weights = np.array(
            [STEPS[n].weight * self.drawing.weights.get(STEPS[n].family, 1) for n in names]
        )
        if self.depth >= DEEPEST:
            weights[[STEPS[n].family in ("control", "statements") for n in names]] = 0
        weights /= weights.sum()
        tries = 0
        while len(self.steps) < wanted and tries < 12 * wanted + 20 and self.drawing.budget > 0:
            tries += 1
            name = names[int(self.random.choice(len(names), p=weights))]
            before = len(self.steps), len(self.values)
            try:
                STEPS[name].draw(self)
            except Rejected:
                del self.steps[before[0] :], self.values[before[1] :]
                continue
            self.names.append(name)


def draw(tf, seed, length=None):
    """Returns the program of a seed, or None where nothing came of it."""
    from tests.fuzz.programs.steps import FAMILIES

    drawing = Drawing(tf, seed)
    random = drawing.random
    # Shapes between products and sums most often; each other family has its share.
    focus = [str(f) for f in random.choice(FAMILIES, 3)]
    drawing.weights = {"movement": 2.0, "reductions": 2.0, "contractions": 2.0}
    if drawing.extents:
        drawing.weights["extents"] = 40.0 if drawing.samples == MANY_SAMPLES else 4.0
    for family in focus:
        drawing.weights[family] = drawing.weights.get(family, 1) * 3
    homes = [
        *["float32"] * 10,
        *["float64"] * 3,
        "float16",
        "bfloat16",
        "int32",
        "int64",
        "int8",
        "complex64",
    ]
    drawing.home = str(random.choice(homes))
    scope = first_scope(drawing)
    for _ in range(1 if drawing.samples == MANY_SAMPLES else scope.int(1, 3)):
        scope.values.append(first_argument(scope))
    if drawing.weights.get("state", 1) > 1:
        shape = [scope.width() for _ in range(scope.int(0, 2))]
        scope.values.append(
            scope.parameter([shape] * drawing.samples, known=tuple(shape), prefix="x")
        )
        scope.values[-1].finite = True
    wanted = length or int(random.choice([5, 8, 12, 20, 30, 45, 60]))
    if drawing.limits is WIDE or drawing.extents:
        wanted = scope.int(1, 5) if drawing.samples == MANY_SAMPLES else min(wanted, 20)
    drawing.budget = 2 * wanted
    scope.grow(wanted)
    return program_of(scope)


def first_scope(drawing):
    """The scope of a whole program, which has no values yet."""
    names = {"np": np, "tf": drawing.tf}
    load("\n".join(HELPERS.values()), names)
    noises = [Noise(drawing.tf, drawing.seed) for _ in range(drawing.samples)]
    return Scope(drawing, [[dict(names), {**names, "noise": n}] for n in noises], [], 0)


def program_of(scope):
    """What was drawn, as a program; None where nothing came of it."""
    drawing, results = scope.drawing, results_of(scope)
    if not results:
        return None
    kept = needed(scope.steps, results)
    parameters = tuple(p for p in drawing.parameters if p.name in kept[1])
    return Program(
        drawing.seed, parameters, kept[0], tuple(results), drawing.samples, tuple(scope.names)
    )


def first_argument(scope):
    """An argument whose first dimension, or another, differs among samples."""
    drawing = scope.drawing
    rank = int(scope.choose([1, 2, 2, 3, 3, 4]))
    sizes = [scope.width() for _ in range(rank)]
    while np.prod(sizes[1:]) > drawing.limits.row:
        sizes = [scope.width() for _ in range(rank)]
    if drawing.limits is WIDE:
        sizes[0] = drawing.batches[0]
    shapes = [list(sizes) for _ in range(drawing.samples)]
    varies = [False] * rank
    if drawing.extents:
        for axis in range(rank):
            if axis == 0 or scope.chance(0.6):
                which, varies[axis] = scope.int(0, 2), True
                for shape, extents in zip(shapes, drawing.extents, strict=True):
                    shape[axis] = extents[which]
        if max(np.prod(shape) for shape in shapes) > drawing.limits.elements:
            return first_argument(scope)
    elif drawing.known != "static" and scope.chance(0.9):
        for i, n in enumerate(drawing.batches):
            shapes[i][0] = n
        varies[0] = True
        if rank > 1 and drawing.known in ("most", "nothing") and scope.chance(0.5):
            axis = scope.int(1, rank - 1)
            for i, n in enumerate(drawing.lengths):
                shapes[i][axis] = n
            varies[axis] = True
    known = [
        None if v or (drawing.known == "most" and scope.chance(0.4)) else n
        for v, n in zip(varies, sizes)
    ]
    return scope.parameter(shapes, known=None if drawing.known == "nothing" else tuple(known))


def results_of(scope):
    """What nothing uses, and some of the other values."""
    made = [v for v in scope.values if v.number >= 0]
    read = set().union(*(uses(step) for step in scope.steps)) if scope.steps else set()
    last = [v.name for v in made if v.name not in read]
    others = [v.name for v in made if v.name in read and scope.chance(0.15)]
    found = [*last, *others]
    random = scope.random
    return [str(n) for n in random.permutation(found)[: 2 + int(random.integers(8))]]


def needed(steps, results):
    """Returns the steps that results need, those that assign variables and what they need, and all names that are read."""
    wanted, kept = set(results), []
    for step in reversed(steps):
        if not step.targets or wanted & set(step.targets) or "assign" in render_text(step):
            blocks = tuple(without_unread(block) for block in step.blocks)
            kept.append(replace(step, blocks=blocks))
            wanted |= uses(kept[-1])
    return tuple(reversed(kept)), wanted


def without_unread(block):
    """A block without the steps that its results do not need."""
    read = {n for text in block.results for n in NAME.findall(text)}
    return replace(block, steps=needed(block.steps, read)[0])


def render_text(step):
    return "\n".join(render_step(step))


__all__ = ["draw", "render", "needed", "Rejected"]
