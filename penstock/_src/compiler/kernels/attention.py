"""An attention as one kernel forward and one backward: recognize/attention.py finds them and codegen/attention/ writes them."""

from penstock._src.compiler.kernels.views import View
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

# Letters of the scores' last-but-softmax axis, of its last, of a head.
ROW, COLUMN, ELEMENT = "t", "s", "w"
LEAST = 16  # rows and columns: fewer scores are better stored
WIDEST = 256  # elements of a head


@dataclass
class Gradient:
    """The backward pass: where it starts, the nodes that it makes, and those that it never stores."""

    seed: View  # dO
    scores: Node  # dL
    final: Node  # dS
    query: Node
    key: Node
    value: Node
    absorbed: list[Node]

    @property
    def outputs(self) -> list[Node]:
        """dQ, dK, dV."""
        return [self.query, self.key, self.value]


@dataclass
class Attention:
    """An attention found in a function. Views and `letters` are in letters of the scores: batch, ROW, COLUMN, ELEMENT.

    `absorbed` are the nodes that are never stored; `reach` is the number of columns visible to row 0, where each row sees one more
    than the previous row.
    """

    query: View
    key: View
    value: View
    scores: Node  # S
    logits: Node  # L
    maximum: Node
    total: Node
    output: Node
    letters: str
    letters_of: dict[int, str]  # letters of the nodes that the kernels compute
    depth: int
    width: int
    reach: int | None
    absorbed: list[Node]
    gradient: Gradient | None = None

    @property
    def outputs(self) -> list[Node]:
        """The nodes that the forward kernel stores."""
        return [self.output, *([self.maximum, self.total] if self.gradient else [])]

    @property
    def made(self) -> list[Node]:
        """The nodes that both kernels store."""
        return [*self.outputs, *(self.gradient.outputs if self.gradient else [])]

    @property
    def never_stored(self) -> list[Node]:
        """The nodes that exist only in blocks."""
        if self.gradient is None:
            return [*self.absorbed, self.maximum, self.total]
        return [*self.absorbed, *self.gradient.absorbed]

    @property
    def sources(self) -> list[Node]:
        """The nodes that must lie in memory."""
        views = [self.query, self.key, self.value]
        return [v.source for v in (*views, *([self.gradient.seed] if self.gradient else []))]
