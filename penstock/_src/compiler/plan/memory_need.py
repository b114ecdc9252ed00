"""Memory need: compares the memory of a program with the limit before any of it is allocated."""

from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import OpError, ResourceExhaustedError
from penstock._src.core.values import memory_limit
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

MENTIONED = 3  # largest buffers that a message lists


def bytes_needed(plan: Plan) -> int:
    """The bytes of a program's temporaries and results."""
    return plan.arena_bytes + sum(map(bytes_of, plan.function.results))


def check_results(function: Function) -> None:
    """Raises ResourceExhaustedError if the results of a function alone need more memory than the limit. Needs no plan."""
    if sum(map(bytes_of, function.results)) > memory_limit.limit():
        raise exhausted_by(Plan(function))


def check_memory(plan: Plan) -> None:
    """Raises ResourceExhaustedError if a program needs more memory than the limit."""
    if bytes_needed(plan) > memory_limit.limit():
        raise exhausted_by(plan)


def exhausted_by(plan: Plan) -> OpError:
    """The error for a program that exceeds the memory limit, with its largest buffers and the state of memory."""
    size = bytes_needed(plan)
    own = "; ".join(_largest_buffers(plan)[:MENTIONED])
    return ResourceExhaustedError(
        f"{plan.function.name}: OOM when allocating {size} bytes for temporaries and results of a program: "
        f"{own}. {memory_limit.state(size)}"
    )


def _largest_buffers(plan: Plan) -> list[str]:
    nodes: dict[str, Node] = {}  # by buffer name
    for launch in plan.launches:
        if isinstance(launch, Launch):
            nodes.update((f"{node.kind} %{node.id}", node) for node in launch.nodes)
    entries: list[tuple[int, str, Node | None]] = [
        (bytes_of(node), "result", node) for node in plan.function.results
    ]
    for buffer in plan.buffers:
        if buffer.place == "arena" and buffer.last >= 0:
            entries.append((buffer.size, buffer.name, nodes.get(buffer.name)))
    entries.sort(key=lambda entry: -entry[0])
    return [_described(*entry) for entry in entries]


def _described(size: int, name: str, node: Node | None) -> str:
    if node is None:
        return f"{name} ({size} bytes)"
    extents = ",".join(str(int(extent)) for extent in node.shape)
    text = f"tensor with shape[{extents}] and type {node.dtype.name} ({size} bytes)"
    maker, location = node.origin, getattr(node.origin, "location", None)
    text += f" of {{{{node {maker.name}}}}}" if hasattr(maker, "name") else ""
    return f"{text} defined at {location}" if location else text
