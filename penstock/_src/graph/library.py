"""GraphFunction: a FuncGraph with fixed inputs and outputs; call and control flow ops hold one as an attribute."""

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

from penstock._src.graph.func_graph import FuncGraph, TensorSignature
from penstock._src.graph.operation import Operation, SymbolicTensor, source_of
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above

# The functions of this process by name, while they are used: definitions may refer to those that are not given with them.
FUNCTIONS: "weakref.WeakValueDictionary[str, GraphFunction]" = weakref.WeakValueDictionary()


class Runner(Protocol):
    """Computes a function on host values: the compiler's `Executable`."""

    def run(self, values: list[Any]) -> list[Any]:
        """Returns one host value for each output."""

    def __call__(self, values: list[Any]) -> list[Any]:
        """Does the same, and checks the number of values."""


class GraphFunction(TensorSignature):
    """A function from a list of host values to a list of host values.

    `graph` holds the operations; `inputs` and `outputs` are tensors of it. The function must not change once it has run;
    `with_outputs` makes another one over the same graph. If `why_host` is set, its operations run one by one on the host
    instead of being compiled, for that reason.
    """

    __hash__ = None  # type: ignore[assignment]  # so that ops holding one are not kept in caches

    def __init__(
        self,
        graph: FuncGraph,
        inputs: Sequence[SymbolicTensor] | None = None,
        outputs: Sequence[SymbolicTensor] | None = None,
        name: str | None = None,
        why_host: str = "",
    ) -> None:
        self.graph, self.why_host = graph, why_host
        self.inputs = list(graph.inputs if inputs is None else inputs)
        self.outputs = list(graph.outputs if outputs is None else outputs)
        self.name = name or graph.name_for_function()
        # {name: AttrValue} of its FunctionDef
        self.attributes: dict[str, Any] = {}
        # Nodes of a function that was imported, and those of the functions that it calls, as often as it calls them.
        self.expanded = 0
        FUNCTIONS.setdefault(self.name, self)
        self._runner: Runner | None = None
        # Values that other packages derived from this function; they live as long as it does. Each package uses distinct keys.
        self.derived: dict[str, Any] = {}
        # `implements` names the interface that this and other functions implement; the second field is the implementation
        # that runs when a graph calls this function. (With intermediate values as outputs it runs itself.)
        self.implements: str | None = None
        self.stand_in: GraphFunction | None = None

    def is_like(self, other: "GraphFunction") -> bool:
        """True if both functions have the same input and output types."""
        return self.input_types == other.input_types and self.output_types == other.output_types

    def __eq__(self, other: Any) -> bool:
        return self is other

    is_stateful: bool = read_only(
        "graph.is_stateful", "True if running the function has an effect or reads state."
    )

    @property
    def executable(self) -> Runner:
        """The compiled or interpreted form; made at first use."""
        if self._runner is None:
            self._runner = above("make_runner")(self)
        return self._runner

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Runs it on host values."""
        return self.executable(list(values))

    @property
    def kernel_states(self) -> dict[Any, Any]:
        """State that kernels of its operations keep from run to run."""
        return self.graph.kernel_states

    @property
    def targets(self) -> list[Operation]:
        """Operations that run although no output needs them."""
        return self.graph.control_outputs

    def with_outputs(self, outputs: Sequence[SymbolicTensor]) -> "GraphFunction":
        """Returns a function over the same graph that returns `outputs`."""
        name = self.graph.name_for_forward()
        return GraphFunction(self.graph, self.inputs, outputs, name, self.why_host)

    @property
    def unchanged(self) -> set[int]:
        """The positions of the arguments that a loop's body returns unchanged."""
        pairs = enumerate(zip(self.inputs, self.outputs, strict=True))
        return {i for i, (argument, result) in pairs if source_of(result) is argument}

    def __repr__(self) -> str:
        return f"<GraphFunction {self.name}>"
