"""Random programs of jumps, loops, contexts and handlers: converted, they do what Python does."""

import contextlib
import importlib.util
import random

import pytest

import penstock as tf

HEAD = """import contextlib

class Absent(Exception):
    pass

def absent():
    raise Absent

def maybe(x):
    if x % 2:
        raise Absent
    return x + 1

"""
SEEDS = range(40)
CONDITIONS = ["x % 2 == 0", "x > 20", "c", "not c", "x % 3 == 1"]
DEEPEST = 4


class Writer:
    """Draws a program."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def program(self) -> str:
        return "\n".join(
            ["def program(x, c):", *indented(self.block(0, loop=False)), "    return x"]
        )

    def block(self, depth: int, loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, 3)):
            kind = self.random.random()
            if depth >= DEEPEST or kind < 0.3:
                lines.append(f"x = {self.value()}")
            elif kind < 0.84:
                lines += self.compound(kind, depth, loop)
            else:
                return [*lines, self.jump(kind, loop)]
        return lines

    def compound(self, kind: float, depth: int, loop: bool) -> list[str]:
        inner = lambda in_loop=loop: indented(self.block(depth + 1, in_loop))  # noqa: E731
        if kind < 0.45:
            lines = [f"if {self.random.choice(CONDITIONS)}:", *inner()]
        elif kind < 0.58:
            lines = [f"for i{depth} in range({self.random.randint(1, 3)}):", *inner(True)]
        elif kind < 0.7:
            return ["with contextlib.suppress(Absent):", *inner()]
        else:
            lines = ["try:", *inner(), "except Absent:", *inner()]
        if self.random.random() < 0.4:
            lines += ["else:", *inner()]
        if lines[0] == "try:" and self.random.random() < 0.4:
            lines += ["finally:", "    x = x + 1"]
        return lines

    def jump(self, kind: float, loop: bool) -> str:
        if kind < 0.9 and loop:
            return self.random.choice(["break", "continue"])
        return f"return {self.value()}" if kind < 0.97 else "raise Absent"

    def value(self) -> str:
        kind = self.random.random()
        if kind < 0.6:
            return f"x * {self.random.randint(2, 3)} + {self.random.randint(0, 5)}"
        return "absent()" if kind < 0.75 else "maybe(x)" if kind < 0.85 else "x"


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def loaded(path, text: str):
    path.write_text(HEAD + text + "\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcome(function, absent, *args):
    with contextlib.suppress(absent):
        return function(*args)
    return "absent"


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed{seed}")
def test_a_converted_program_does_what_python_does(seed, tmp_path):
    text = Writer(seed).program()
    module = loaded(tmp_path / f"program_{seed}.py", text)
    converted = tf.autograph.to_graph(module.program)
    for args in ((1, True), (1, False), (4, True), (4, False)):
        expected = outcome(module.program, module.Absent, *args)
        assert outcome(converted, module.Absent, *args) == expected, text
