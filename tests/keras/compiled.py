"""What a Keras model's functions compiled to."""

from penstock._src.compiler.stages import STATISTICS
from penstock._src.native import kernels

# What moves an element out of the iterator and the logs back to Keras' loop; nothing of it computes.
OF_THE_ITERATOR = {"IteratorGetNext", "OptionalFromValue", "Identity"}


def traces(function):
    """The concrete functions of `model.train_function` and its like."""
    held = [cell.cell_contents for cell in function.__closure__]
    compiled = next(f for f in held if hasattr(f, "get_concrete_function"))
    return compiled._list_all_concrete_functions()


def host_types(function):
    """Types of the operations that stayed on the host."""
    found = set()
    for trace in traces(function):
        executable = trace.graph_function.executable
        for step in executable.steps():
            op = getattr(step, "op", None)
            if op is not None:
                found.add(op.type)
    return found


def programs(function):
    """The native programs of the traces."""
    return [p for t in traces(function) for p in t.graph_function.executable.programs()]


def interpreted(function):
    """Why programs are not native, if any is not."""
    return [p.compiled.why_interpreted for p in programs(function) if p.compiled.why_interpreted]


def counts():
    """(kernels compiled or read from the disk so far, programs so far)."""
    now = kernels().statistics
    return now.compiled + now.from_disk, STATISTICS.functions
