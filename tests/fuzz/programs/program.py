"""A random program as data, and its text: what runs is the very text that a find is printed as."""

import itertools
import linecache
import re
from dataclasses import dataclass, field, replace

import numpy as np

from tests.fuzz.programs.helpers import HELPERS

NAME = re.compile(r"\b[vx]\d+\b")
_numbers = itertools.count()


@dataclass(frozen=True)
class Parameter:
    """An argument of a program, or one of its variables (named x...).

    `shapes` has one shape for each sample, that is, for each run of the program on sizes of its own;
    `known` is what the signature tells: None for an unknown dimension, None in all for an unknown rank.
    """

    name: str
    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    known: tuple[int | None, ...] | None
    seed: int

    @property
    def is_variable(self):
        return self.name.startswith("x")


@dataclass(frozen=True)
class Block:
    """The body of a branch, a loop or a tape: a function of `names`."""

    names: tuple[str, ...]
    steps: tuple["Step", ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """An assignment of an expression; {0}, {1} in it are the functions made of its blocks.

    form    "call", or what AutoGraph converts: "if", "while" and "for", where `text` is the condition or what is
            iterated over, and the blocks assign the targets
    sums    whether the result is a sum of products of the arguments, which rounds by their size and not its own
    """

    targets: tuple[str, ...]
    text: str
    blocks: tuple[Block, ...] = ()
    sums: bool = False
    form: str = "call"
    starts: tuple[str, ...] = ()  # what loops of AutoGraph begin with


@dataclass(frozen=True)
class Program:
    """Parameters, steps, and the names of the results."""

    seed: int
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    results: tuple[str, ...]
    samples: int
    families: tuple[str, ...] = field(default=(), compare=False)

    @property
    def arguments(self):
        return [p for p in self.parameters if not p.is_variable]

    @property
    def variables(self):
        return [p for p in self.parameters if p.is_variable]

    @property
    def order(self):
        """The samples in the order of calls of one function: each once, then again in another order."""
        random = np.random.default_rng([self.seed, 3])
        return [*range(self.samples), *(int(i) for i in random.permutation(self.samples))]

    @property
    def uses_autograph(self):
        return any(step.form != "call" for step in all_steps(self.steps))

    def with_(self, **changes):
        return replace(self, **changes)


def all_steps(steps):
    """Yields the steps and those in their blocks."""
    for step in steps:
        yield step
        for block in step.blocks:
            yield from all_steps(block.steps)


def uses(step):
    """Returns the names that a step reads, those of its blocks' inner values among them."""
    found = set(NAME.findall(step.text)) | {n for s in step.starts for n in NAME.findall(s)}
    for block in step.blocks:
        found |= {n for text in block.results for n in NAME.findall(text)}
        for inner in block.steps:
            found |= uses(inner)
    return found


def array_of(parameter, sample):
    """Returns the value of a parameter in a sample; bfloat16 as float32 that it holds exactly."""
    return draws(parameter.seed + sample, parameter.shapes[sample], parameter.dtype)


def draws(seed, shape, dtype):
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return random.random(shape) < 0.5
    if "int" in dtype:
        return random.integers(0 if dtype[0] == "u" else -9, 10, shape).astype(dtype)
    if dtype.startswith("complex"):
        return (random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape)).astype(dtype)
    # Sixteenths: every type of floats holds them.
    return (random.integers(-32, 33, shape) / 16).astype(
        "float32" if dtype == "bfloat16" else dtype
    )


# -- text ------------------------------------------------------------------------------------------


def render_step(step, noisy=False, indent=""):
    """Returns the lines of a step; noisy ones perturb each result by its rounding."""
    left = ", ".join(step.targets)
    if step.form == "call":
        lines, text = [], step.text
        for i, block in enumerate(step.blocks):
            name = f"f{(step.targets or block.names or ('0',))[0][1:]}_{i}"
            lines.append(f"{indent}def {name}({', '.join(block.names)}):")
            lines += render_block(block, noisy, indent + "    ", "return ")
            text = text.replace(f"{{{i}}}", name)
        if not step.targets:
            return [*lines, indent + text]
        if noisy:
            text = _noisy(step, text)
        return [*lines, f"{indent}{left} = {text}"]
    inner, assign = indent + "    ", f"{left} = "
    if step.form == "if":
        return [
            f"{indent}if {step.text}:",
            *render_block(step.blocks[0], noisy, inner, assign),
            f"{indent}else:",
            *render_block(step.blocks[1], noisy, inner, assign),
        ]
    head = f"{step.form} {step.text}:"
    starts = [f"{indent}{left} = {', '.join(step.starts)}"]
    return [*starts, indent + head, *render_block(step.blocks[0], noisy, inner, assign)]


def _noisy(step, text):
    # Derivatives are differences of terms of the order of 1, such as 1 - tanh(x)**2.
    floor = ", floor=1.0" if re.search(r"(gradients|jacobian)\(", text) else ""
    if len(step.targets) > 1:
        names = list(step.targets)
        return f"[noise(n, y{floor}) for n, y in zip({names}, {text})]"
    sources = [n for n in NAME.findall(step.text) if n.startswith("v")] if step.sums else []
    given = [repr(step.targets[0]), text, *dict.fromkeys(sources)]
    return f"noise({', '.join(given)}{floor})"


def render_block(block, noisy, indent, end):
    lines = [line for step in block.steps for line in render_step(step, noisy, indent)]
    return [*lines, f"{indent}{end}{', '.join(block.results)}"]


def render(program, noisy=False):
    """Returns the text of `def program(...)`."""
    names = ", ".join(p.name for p in program.arguments)
    lines = [f"def program({names}):"]
    for step in program.steps:
        lines += render_step(step, noisy, "    ")
    lines.append(f"    return [{', '.join(program.results)}]")
    return "\n".join(lines) + "\n"


def helpers_in(text):
    """Returns the helpers that a text calls, and those that they call."""
    wanted: list[str] = []
    for name in reversed(HELPERS):  # those that others call come first
        if re.search(rf"\b{name}\(", text + "".join(wanted)):
            wanted.insert(0, HELPERS[name])
    return "\n".join(wanted)


def code_of(text):
    """Returns the code of a text, whose source AutoGraph can read."""
    name = f"<fuzz {next(_numbers)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    return compile(text, name, "exec")


def load(text, namespace):
    """Runs a text."""
    exec(code_of(text), namespace)
    return namespace


def forget_texts():
    """Drops the texts that were loaded."""
    for name in [n for n in linecache.cache if n.startswith("<fuzz")]:
        del linecache.cache[name]


def standalone(program, sample):
    """Returns a program that shows a find by itself: it prints eager and compiled results, of one sample or of all in their order."""
    body = render(program)
    order = [sample] if program.samples == 1 else program.order
    lines = ["import numpy as np", "import penstock as tf", helpers_in(body + "draws("), ""]
    specs = ", ".join(
        f"tf.TensorSpec({None if p.known is None else list(p.known)}, {p.dtype!r})"
        for p in program.arguments
    )
    for p in program.variables:
        lines.append(f"{p.name} = tf.Variable(draws({p.seed}, {list(p.shapes[0])}, {p.dtype!r}))")
    lines += ["", body]
    lines.append(
        f"compiled = tf.function(program, input_signature=[{specs}], autograph={program.uses_autograph})"
    )
    lines.append(f"for sample in {order}:")
    for p in program.arguments:
        shapes = [list(shape) for shape in p.shapes]
        lines.append(f"    {p.name} = draws({p.seed} + sample, {shapes}[sample], {p.dtype!r})")
    lines.append("    for function in (program, compiled):")
    for p in program.variables:
        shapes = [list(shape) for shape in p.shapes]
        lines.append(
            f"        {p.name}.assign(draws({p.seed} + sample, {shapes}[sample], {p.dtype!r}))"
        )
    names = ", ".join(p.name for p in program.arguments)
    lines.append(f"        print(sample, [np.asarray(y) for y in function({names})])")
    return "\n".join(lines) + "\n"
