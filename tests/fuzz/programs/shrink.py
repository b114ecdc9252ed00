"""Makes a program that fails smaller, as long as it fails in the same way.

Steps are dropped, their values becoming arguments; blocks are taken apart; results are dropped; extents become smaller.
"""

import re
import time
from dataclasses import replace

import numpy as np

from tests.fuzz.programs import oracles
from tests.fuzz.programs.drawing import needed
from tests.fuzz.programs.program import (
    NAME,
    Parameter,
    Step,
    all_steps,
    load,
    render,
)


class Shrinking:
    """Tries smaller programs for a time."""

    def __init__(self, tf, failure, seconds):
        self.tf, self.failure = tf, failure
        self.end = time.monotonic() + seconds
        self.tried = set()

    def fails(self, program):
        """Returns how a program fails, if it does in the way of the find."""
        text = render(program) + repr(program.parameters)
        if text in self.tried or time.monotonic() > self.end:
            return None
        self.tried.add(text)
        try:
            perturbed = 0 if self.failure.kind == "error" else 2
            samples = range(program.samples)
            expected = [oracles.expect(self.tf, program, s, perturbed) for s in samples]
        except Exception:
            return None  # what no longer runs is no find
        found = oracles.compiled(self.tf, program, self.failure.way, expected)
        if found and found.kind == self.failure.kind and _place(found) == _place(self.failure):
            return found
        return None


def _place(failure):
    return failure.what.split(":")[0] if failure.kind == "error" else ""


def shrink(tf, program, failure, seconds=120):
    """Returns the smallest program found, and how it fails."""
    trying = Shrinking(tf, failure, seconds)
    best = program
    for make in (one_sample, one_result):
        best, failure = first_that_fails(trying, make(best, failure), best, failure)
    ways = (without_steps, with_sources, without_blocks, without_results, smaller, known_shapes)
    size = None
    while size != cost(best) and time.monotonic() < trying.end:
        size = cost(best)
        for make in ways:
            again = True
            while again:
                before = best
                best, failure = first_that_fails(trying, make(best, failure, tf), best, failure)
                again = best is not before
    return best, failure


def cost(program):
    sizes = sum(int(np.prod(s)) for p in program.parameters for s in p.shapes)
    unknown = sum(p.known is None or None in p.known for p in program.parameters)
    return len(list(all_steps(program.steps))), len(render(program)), sizes, unknown


def first_that_fails(trying, candidates, best, failure):
    for candidate in candidates:
        found = trying.fails(candidate)
        if found:
            return candidate, found
        if time.monotonic() > trying.end:
            break
    return best, failure


def tidy(program, steps=None, parameters=None, results=None):
    """The program without what nothing needs."""
    results = program.results if results is None else results
    kept, names = needed(program.steps if steps is None else steps, results)
    names = names | set(results)
    given = [p for p in (parameters or program.parameters) if p.name in names]
    return program.with_(steps=kept, parameters=tuple(given), results=tuple(results))


def one_sample(program, failure):
    for sample in dict.fromkeys([failure.sample, *range(program.samples)]):
        parameters = [
            replace(p, shapes=(p.shapes[sample],), seed=p.seed + sample) for p in program.parameters
        ]
        yield program.with_(parameters=tuple(parameters), samples=1)


def one_result(program, failure):
    for i in dict.fromkeys([failure.result, *range(len(program.results))]):
        if 0 <= i < len(program.results):
            yield tidy(program, results=[program.results[i]])


def without_results(program, _failure, _tf):
    for i in range(len(program.results)):
        yield tidy(program, results=program.results[:i] + program.results[i + 1 :])


def values_in(tf, program):
    """{name: (type, shapes)} of all values, those in blocks among them, of what a run gives last."""
    found = {}
    for sample in range(program.samples):

        def record(name, y, *_sources, sample=sample, **_floor):
            if tf.is_tensor(y):
                found.setdefault(name, (y.dtype.name, {}))[1][sample] = tuple(map(int, y.shape))
            return y

        with oracles.eagerly(tf):
            env = oracles.namespace(tf, program, sample, noise=record)
            load(render(program, noisy=True), env)
            env["program"](*oracles.arguments(tf, program, sample))
    return {
        name: (dtype, tuple(shapes[s] for s in range(program.samples)))
        for name, (dtype, shapes) in found.items()
        if len(shapes) == program.samples
    }


def edit(steps, change):
    """Yields (steps with one of them, at any depth, replaced by what `change` yields for it)."""
    for i in reversed(range(len(steps))):
        for made in change(steps[i]):
            yield (*steps[:i], *made, *steps[i + 1 :])
        for b, block in enumerate(steps[i].blocks):
            for inner in edit(block.steps, change):
                blocks = list(steps[i].blocks)
                blocks[b] = replace(block, steps=tuple(inner))
                yield (*steps[:i], replace(steps[i], blocks=tuple(blocks)), *steps[i + 1 :])


def without_steps(program, _failure, tf):
    """A step less; its values are arguments."""
    values = values_in(tf, program)
    # Halves first: most steps have nothing to do with it.
    n = len(program.steps)
    size = n // 2
    while size >= 2:
        for start in range(0, n, size):
            dropped = program.steps[start : start + size]
            rest = program.steps[:start] + program.steps[start + size :]
            made = [t for s in dropped for t in s.targets]
            if all(t in values for t in made):
                yield with_parameters(program, rest, made, values)
        size //= 2
    for steps in edit(program.steps, lambda step: [()] if not step.targets else []):
        yield tidy(program, steps=steps)
    for step in list(all_steps(program.steps))[::-1]:
        if step.targets and all(t in values for t in step.targets):
            rest = next(edit(program.steps, lambda s, step=step: [()] if s is step else []))
            yield with_parameters(program, rest, step.targets, values)


def with_parameters(program, steps, names, values):
    given = [
        Parameter(n, values[n][0], values[n][1], values[n][1][0], 10 * int(n[1:])) for n in names
    ]
    return tidy(program, steps=steps, parameters=[*program.parameters, *given])


def with_sources(program, _failure, tf):
    """A value replaced by one that it is made of, of its type and shape."""
    values = values_in(tf, program)
    for p in program.parameters:
        values[p.name] = (p.dtype, p.shapes)
    for step in list(all_steps(program.steps))[::-1]:
        if len(step.targets) == 1 and step.form == "call":
            target = step.targets[0]
            for source in dict.fromkeys(NAME.findall(step.text)):
                if (
                    source[0] == "v"
                    and values.get(source) == values.get(target) is not None
                    and step.text != source
                ):
                    same = replace(step, text=source, blocks=())
                    rest = next(
                        edit(
                            program.steps,
                            lambda s, step=step, same=same: [(same,)] if s is step else [],
                        )
                    )
                    yield renamed(program, rest, target, source)


def renamed(program, steps, old, new):
    """The program with one name in place of another, and without the step that says that they are the same."""

    def rename(text):
        return re.sub(rf"\b{old}\b", new, text)

    def visit(step):
        blocks = tuple(
            replace(
                b,
                steps=tuple(visit(s) for s in b.steps if s.targets != (old,)),
                results=tuple(map(rename, b.results)),
            )
            for b in step.blocks
        )
        return replace(
            step, text=rename(step.text), blocks=blocks, starts=tuple(map(rename, step.starts))
        )

    kept = tuple(visit(s) for s in steps if s.targets != (old,))
    return tidy(program, steps=kept, results=[rename(r) for r in program.results])


def without_blocks(program, _failure, _tf):
    """A branch or a loop's body in place of the step."""

    def inline(step):
        for block in step.blocks:
            results = [
                r
                for text in block.results
                for r in re.split(r",\s*(?![^\[(]*[\])])", text.strip("[]"))
            ]
            if block.names or len(results) != len(step.targets):
                continue
            ends = [Step((t,), r) for t, r in zip(step.targets, results, strict=True)]
            yield (*block.steps, *ends)

    for steps in edit(program.steps, inline):
        yield tidy(program, steps=steps)


def smaller(program, _failure, _tf):
    """One number smaller wherever it stands: in shapes and in the text."""
    numbers = {n for p in program.parameters for s in p.shapes for n in s}
    for n in sorted(numbers, reverse=True):
        for m in dict.fromkeys([1, 2, 3, n // 4, n // 2, n - 1]):
            if 0 < m < n:  # extents of 0 have troubles of their own
                yield with_number(program, n, m)


def with_number(program, old, new):
    def change(text):
        return re.sub(rf"(?<![\w.]){old}(?![\w.])", str(new), text)

    def visit(step):
        blocks = tuple(
            replace(b, steps=tuple(map(visit, b.steps)), results=tuple(map(change, b.results)))
            for b in step.blocks
        )
        return replace(
            step, text=change(step.text), blocks=blocks, starts=tuple(map(change, step.starts))
        )

    parameters = [
        replace(
            p,
            shapes=tuple(tuple(new if n == old else n for n in s) for s in p.shapes),
            known=None if p.known is None else tuple(new if n == old else n for n in p.known),
        )
        for p in program.parameters
    ]
    return program.with_(parameters=tuple(parameters), steps=tuple(map(visit, program.steps)))


def known_shapes(program, _failure, _tf):
    for i, p in enumerate(program.parameters):
        if p.known != p.shapes[0] and len(set(p.shapes)) == 1:
            parameters = list(program.parameters)
            parameters[i] = replace(p, known=p.shapes[0])
            yield program.with_(parameters=tuple(parameters))
