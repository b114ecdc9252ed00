"""The state of a drawing: the nodes so far, and the symbolic tensors they make."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz.models.recipe import input_line, node_lines

WIDTHS = (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32)
MOST_ELEMENTS = 4096  # of one row of a tensor
MOST_WEIGHTS = 40000
ACTIVATIONS = (
    "relu", "tanh", "sigmoid", "gelu", "swish", "elu", "selu", "softplus", "softsign", "leaky_relu", "relu6",
    "mish", "hard_sigmoid", "hard_silu", "log_softmax", "softmax", "exponential", "linear", "squareplus",
    "soft_shrink", "tanh_shrink", "celu", "glu_free", "sparse_plus", "log_sigmoid", "silu",
)  # fmt: skip


class Drawing:
    """What is drawn so far; `random` draws the rest. `any_lengths`: most lengths of sequences are unknown."""

    def __init__(self, keras: Any, seed: int, any_lengths: bool = False) -> None:
        self.keras, self.any_lengths = keras, any_lengths
        self.random = random.Random(seed)
        self.inputs: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = []
        self.space: dict[str, Any] = {"keras": keras}
        self.used: set[int] = set()
        self.shared: list[tuple[int, tuple]] = []

    # Choices.

    def maybe(self, probability: float = 0.5) -> bool:
        return self.random.random() < probability

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def width(self) -> int:
        return self.random.choice(WIDTHS)

    def activation(self) -> str | None:
        name = self.random.choice(ACTIVATIONS)
        return None if name == "glu_free" or self.maybe(0.3) else name

    def options(self, **ways: tuple) -> dict[str, Any]:
        """Some of the options, each with one of its values."""
        return {name: self.pick(*values) for name, values in ways.items() if self.maybe(0.25)}

    def regularised(self, *names: str) -> dict[str, Any]:
        """Regularizers and constraints, seldom."""
        found: dict[str, Any] = {}
        for name in names:
            if self.maybe(0.06):
                found[f"{name}_regularizer"] = self.pick(
                    {"$": "regularizers.L2", "l2": 0.01},
                    {"$": "regularizers.L1", "l1": 0.01},
                    {"$": "regularizers.L1L2", "l1": 0.003, "l2": 0.01},
                    {"$": "regularizers.OrthogonalRegularizer", "factor": 0.01}
                    if name == "kernel" and self.maybe(0.2) else "l2",
                )  # fmt: skip
            if self.maybe(0.06):
                found[f"{name}_constraint"] = self.pick(
                    "non_neg", {"$": "constraints.MaxNorm", "max_value": 0.8}, "unit_norm"
                )
        return found

    # Tensors.

    def shape(self, number: int) -> tuple:
        """The shape of a tensor, without the batch."""
        return tuple(self.space[f"x{number}"].shape)[1:]

    def dtype(self, number: int) -> str:
        return str(self.space[f"x{number}"].dtype)

    def elements(self, number: int) -> int:
        count = 1
        for extent in self.shape(number):
            count *= extent or 8
        return count

    def count(self) -> int:
        """How many tensors there are."""
        return len(self.inputs) + len(self.nodes)

    def add_input(self, **spec: Any) -> int:
        """Adds an input; nodes must not have begun."""
        number = len(self.inputs)
        self.inputs.append(spec)
        exec(input_line(number, spec), self.space)
        return number

    def add(self, make: dict[str, Any] | None, *of: int, **more: Any) -> int:
        """Adds a node; its tensor's number."""
        number = self.count()
        node: dict[str, Any] = {"of": list(of), **more}
        if make is not None:
            node["make"] = make
        exec("\n".join(node_lines(number, node)), self.space)
        self.nodes.append(node)
        self.used.update(of)
        return number

    def layer(self, of: int, kind: str, **options: Any) -> int:
        """Adds a layer of one tensor."""
        return self.add({"$": f"layers.{kind}", **options}, of)

    def formula(self, text: str, *of: int) -> int:
        """Adds an expression of tensors."""
        return self.add(None, *of, formula=text)

    def seed(self) -> int:
        return self.random.randrange(1000)
