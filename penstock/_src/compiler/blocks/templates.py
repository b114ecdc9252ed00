"""Templates: what was made for inputs of some shapes, and is made again for others by planning its kernels alone.

Most of the time that a specialization takes goes into lowering a section and fusing its kernels, whose extents are expressions of the unknown
extents of the inputs (ir/dims.py). For other values these kernels are planned once more: tasks, memory and arguments are numbers of these values.

That must be what the whole way would give. Decisions on the way compare extents, and a template holds where the comparisons that were recorded
(dims.recording) give the same. What was decided by plain numbers made of extents is not recorded. So before a template is used, what it gives
must have been found equal to what the whole way gave for other inputs. Extents and numbers of elements between those of such inputs, with the
same divisors, in the same order and equal to no fixed extent of the section, are taken to be decided alike: what is decided for a smaller and for
a larger extent is decided for those between. So only one extent may be unknown, as of batches of any length or of any number: of several, costs
that are compared may cross in between. Uses are examined again, ever more rarely; a template that fails once is given up, with all that was made
of it, and its block makes no others.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.inputs import ARRAY, input_kinds
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.blocks.steps import HostStep, ProgramStep
from penstock._src.compiler.pipeline import Compiled, loaded_again, planned_again
from penstock._src.compiler.plan.numbers import identity
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir import dims
from penstock._src.ir.function import Function
from penstock._src.util.flags import flags

MOST_TEMPLATES = 6  # of a block
LEAST_SAMPLES = 3  # inputs for which a template gave what the whole way does
EXAMINED_AGAIN = 4  # uses 1, 4, 16 ... are examined
MOST_IDLE = 64  # times that the whole way is gone since a template was of use, before templates are left alone

Symbols = Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Extents:
    """The unknown extents of inputs.

    pattern  everything else of them: equal for inputs whose extents differ
    symbols  their values, by the names that lowering gives them
    """

    pattern: Any
    symbols: dict[str, int]


def extents_of(section: Section, values: Sequence[Any]) -> Extents | None:
    """The unknown extent of a section's inputs; None if they have none or several, or are not arrays and variables alone."""
    names: dict[tuple[int, int], str] = {}
    symbols: dict[str, int] = {}
    pattern: list[Any] = []
    for tensor, kind, value in zip(
        section.inputs, input_kinds(section.inputs), values, strict=True
    ):
        if tensor._id in section.constants:
            continue
        if isinstance(value, VariableHandle):
            held = value.value
            pattern.append((id(value), None if held is None else held.shape))
            continue
        if kind != ARRAY or not isinstance(value, np.ndarray):
            return None
        static = tensor.shape._dims
        own: list[Any] = []
        for axis, n in enumerate(value.shape):
            if n <= 1 or (static is not None and static[axis] is not None):
                own.append(n)
                continue
            if (axis, n) not in names:
                names[axis, n] = f"d{len(names)}"
                symbols[names[axis, n]] = n
            own.append(names[axis, n])
        pattern.append(tuple(own))
    return Extents(tuple(pattern), symbols) if len(symbols) == 1 else None


@dataclasses.dataclass(eq=False)
class Template:
    """What was made for some inputs.

    found    with one program among its steps
    told     comparisons of extents that decided it
    first    the extents that it was made for
    samples  how many extents it gives for what the whole way does
    uses     how often it was used
    """

    pattern: Any
    found: Specialized
    compiled: Compiled
    told: Mapping[dims.Comparison, bool]
    first: Symbols
    samples: int = 0
    uses: int = 0

    def __post_init__(self) -> None:
        self.expressions, sizes, self.fixed = _extents(self.compiled.function)
        self.counted = [*self.expressions, *sizes]
        self.least = self.most = self._counts(self.first)
        self.orders: set[Any] = set()
        self.divisors = dict(self.first)
        self.note(self.first)

    def note(self, symbols: Symbols) -> None:
        """Takes notice of extents for which it gives what the whole way does."""
        counts = self._counts(symbols)
        self.samples += 1
        self.least = list(map(min, self.least, counts))
        self.most = list(map(max, self.most, counts))
        self.orders.add(self._order(counts))
        self.divisors = {name: math.gcd(n, symbols[name]) for name, n in self.divisors.items()}

    def plan(self, symbols: Symbols) -> Plan | None:
        """The plan for these extents; None if a kernel has others than those of inputs, or does not fit the memory that it reads."""
        assert self.compiled.schedule is not None
        try:
            return planned_again(self.compiled.schedule, symbols)
        except (KeyError, InternalError):  # the latter of what PENSTOCK_VERIFY looks at
            return None

    def is_trusted(self, symbols: Symbols) -> bool:
        """Whether it is taken to give for these extents what the whole way would give."""
        if self.samples < LEAST_SAMPLES or not dims.holds(self.told, symbols):
            return False
        counts = self._counts(symbols)
        between = zip(self.least, counts, self.most, strict=True)
        return (
            all(low <= n <= high for low, n, high in between)
            and not any(n % self.divisors[name] for name, n in symbols.items())
            and self._order(counts) in self.orders
        )

    def _counts(self, symbols: Symbols) -> list[int]:
        """The extents of the section's arrays, then their numbers of elements."""
        return [dims.evaluate(e, symbols) for e in self.counted]

    def _order(self, counts: Sequence[int]) -> Any:
        """Which of the section's extents is larger than which, and which are equal to fixed ones."""
        found = counts[: len(self.expressions)]
        ranks = {n: i for i, n in enumerate(sorted(set(found)))}
        return tuple([ranks[n] for n in found]), tuple([n if n in self.fixed else 0 for n in found])

    def made_for(self, plan: Plan) -> Specialized:
        """The steps for the extents of a plan."""
        steps = [
            _step_of(step, loaded_again(plan)) if isinstance(step, ProgramStep) else step
            for step in self.found.steps
        ]
        return dataclasses.replace(self.found, steps=steps, is_again=True)


def _step_of(step: ProgramStep, compiled: Compiled) -> ProgramStep:
    return dataclasses.replace(step, compiled=compiled, call=compiled.run, is_again=True)


def _extents(
    function: Function,
) -> tuple[list[dims.Expression], list[dims.Expression], frozenset[int]]:
    """Of a function: (expressions of extents, those of numbers of elements, extents that are fixed)."""
    expressions: dict[dims.Expression, None] = {}
    sizes: dict[dims.Expression, None] = {}
    fixed: set[int] = set()
    for inner in function.functions():
        for node in (*inner.parameters, *inner.nodes()):
            for shape in [node.shape] if node.results is None else [s for s, _ in node.results]:
                if isinstance(size := dims.product(shape), dims.Dim):
                    sizes[size.expr] = None
                for extent in shape:
                    if isinstance(extent, dims.Dim):
                        expressions[extent.expr] = None
                    else:
                        fixed.add(extent)
    return list(expressions), [e for e in sizes if e not in expressions], frozenset(fixed - {0, 1})


class Templates:
    """The templates of a block, for its operations."""

    def __init__(self) -> None:
        self.known: list[Template] = []
        self.ops: Sequence[Operation] = ()
        self.is_off = False
        self.idle = 0  # times that the whole way was gone since a template was of use

    def use(self, section: Section, extents: Extents) -> Specialized | None:
        """The steps for inputs, made of a template; None if the whole way is to be gone."""
        if self.ops != section.ops:  # the graph has grown
            self.known, self.ops = [], section.ops
        for template in self.known:
            if template.pattern == extents.pattern and template.is_trusted(extents.symbols):
                template.uses, self.idle = template.uses + 1, 0
                if _is_power(template.uses, EXAMINED_AGAIN) or flags.verify:
                    return None
                plan = template.plan(extents.symbols)
                return None if plan is None else template.made_for(plan)
        return None

    def learn(
        self,
        section: Section,
        extents: Extents,
        found: Specialized,
        told: Mapping[dims.Comparison, bool],
    ) -> bool:
        """Compares what the whole way gave with templates, or makes it one; whether all that templates have given stands.

        Raises:
          InternalError: PENSTOCK_VERIFY is set, and a template would have given something else.
        """
        programs = [step for step in found.steps if isinstance(step, ProgramStep)]
        is_other = (
            self.ops != section.ops
        )  # values that it is specialized for were found on the way
        if is_other or len(programs) != 1 or not is_usable(programs[0]):
            forget_kernels(found)
            return True
        compiled = programs[0].compiled
        assert compiled.plan is not None
        self.idle += 1
        if self.idle > MOST_IDLE:
            self.known, self.is_off = [], True
            forget_kernels(found)
            return True
        own, fits = identity(compiled.plan), False
        for template in self.known:
            if template.pattern != extents.pattern or not dims.holds(
                template.told, extents.symbols
            ):
                continue
            plan = template.plan(extents.symbols)
            if plan is not None and identity(plan) == own and _are_alike(template.found, found):
                template.note(extents.symbols)
                fits = True
            elif template.is_trusted(extents.symbols):
                forget_kernels(found)
                return self._give_up(template, extents)
        if not fits and len(self.known) < MOST_TEMPLATES:
            made = Template(extents.pattern, found, compiled, dict(told), extents.symbols)
            self.known.append(made)
        else:
            forget_kernels(found)
        return True

    def _give_up(self, template: Template, extents: Extents) -> bool:
        name = template.compiled.function.name
        self.known, self.is_off = [], True
        if flags.verify:
            raise InternalError(
                None, None, f"{name}: a template gives another plan than the whole way for {extents.symbols}, "
                f"though {template.samples} others were alike",
            )  # fmt: skip
        return False


def is_usable(step: ProgramStep) -> bool:
    """Whether a program may be made again for other extents."""
    compiled = step.compiled
    return (
        compiled.schedule is not None
        and compiled.plan is not None
        and not step.is_empty
        and not compiled.function.exchanges
        and not any(how == "list" for how, _ in step.sources)
    )


def forget_kernels(found: Specialized) -> None:
    """Lets go of what only templates need."""
    for step in found.steps:
        if isinstance(step, ProgramStep):
            step.compiled.schedule = step.compiled.plan = None


def _are_alike(a: Specialized, b: Specialized) -> bool:
    """Whether two specializations differ in their programs alone."""
    if (a.waiting is None) != (b.waiting is None) or a.slots != b.slots:
        return False
    if a.waiting is not None and b.waiting is not None:
        sides = [(w.section.identity(), w.reads, w.writes) for w in (a.waiting, b.waiting)]
        if sides[0] != sides[1]:
            return False
    return (
        len(a.steps) == len(b.steps)
        and len(a.initial) == len(b.initial)
        and all(map(_is_same, a.initial, b.initial))
        and all(map(_are_steps_alike, a.steps, b.steps))
    )


def _are_steps_alike(a: Any, b: Any) -> bool:
    if isinstance(a, HostStep) or isinstance(b, HostStep):
        return type(a) is type(b) and (a.op, a.reads, a.writes) == (b.op, b.reads, b.writes)
    sources = [
        [(how, which if how == "input" else None) for how, which in s.sources] for s in (a, b)
    ]
    return sources[0] == sources[1] and len(a.makers) == len(b.makers) and all(
        slot == other and how == also and _is_same(which, what)
        for (slot, (how, which)), (other, (also, what)) in zip(a.makers, b.makers, strict=True)
    )  # fmt: skip


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    return a is b or bool(a == b)


def _is_power(n: int, base: int) -> bool:
    while n > 1 and n % base == 0:
        n //= base
    return n == 1
