"""In-place outputs: conditions under which a kernel may store its result over one of its inputs.

The rule is the same for all kinds of kernels: an element is overwritten only by the iteration that reads it last. For most kernels this means that
input and output have the same index. An exception is a reduction over the row that the innermost loop then writes: it reads the whole row first.
plan/verify/overlap.py checks the outcome at every point.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from penstock._src.compiler.codegen.specials.table import updates_first
from penstock._src.compiler.fusion.schedule import Schedule, later_reader
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.index import Atom, Index, Var, of_atom, same_extent
from penstock._src.compiler.kernels.kernel import Kernel, NestKernel, SpecialKernel
from penstock._src.compiler.kernels.memory import bytes_of, home
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


def writable_in_place(
    schedule: Schedule, value: Node, old: Node, stores_once: Callable[[ContractKernel], bool]
) -> bool:
    """True if the kernel that computes `value` may store it over `old`.

    It may if no later kernel reads `old`, and it reads each element of `old` only to compute that element. `stores_once` is
    True for a contraction whose code stores each element of the output once, after it has read the epilogue's operands there.
    """
    makers = schedule.makers.get(value.id, [])
    last_reader = schedule.last_readers.get(old.id, -1)
    # A reader after the kernel would find the new value.
    if len(makers) != 1 or last_reader > makers[0]:
        return False
    if schedule.are_side_by_side(last_reader, makers[0]):
        return False
    kernel = schedule.kernels[makers[0]]
    if isinstance(kernel, SpecialKernel) and updates_first(value):
        return home(value.args[0]) is old and all(home(a) is not old for a in value.args[1:])
    if isinstance(kernel, ContractKernel) and value is kernel.outputs[0]:
        if last_reader < makers[0]:  # nothing reads `old` any more, however often the kernel stores
            return True
        return _updates_cells(kernel, value, old) and stores_once(kernel)
    return isinstance(kernel, NestKernel) and same_element(kernel, value, old)


def steps_in_place(schedule: Schedule, value: Node, old: Node) -> bool:
    """True if the loop that computes `value` may keep it in the memory of `old`: it begins with `old`, which nothing else reads then or later."""
    makers = schedule.makers.get(value.id, [])
    if value.kind != "item" or len(makers) != 1:
        return False
    loop, last_reader = value.args[0], schedule.last_readers.get(old.id, -1)
    if loop.kind != "while" or last_reader != makers[0]:
        return False
    readers = [place for place, x in enumerate(loop.args) if home(x) is old]
    return readers == [value.attrs["index"]] and not schedule.are_side_by_side(
        last_reader, makers[0]
    )


@dataclass(frozen=True)
class Lifetimes:
    """The last reader of each temporary, by its id."""

    last: Mapping[int, Kernel] = field(default_factory=dict)

    @classmethod
    def of(cls, schedule: Schedule, pinned: set[int]) -> "Lifetimes":
        """The lifetimes of a schedule's temporaries, except those in `pinned`, which are read at the end."""
        last: dict[int, int] = {}
        for number, kernel in enumerate(schedule.kernels):
            for leaf in kernel.inputs:
                own = home(leaf).id
                if own in schedule.makers and own not in pinned:
                    last[own] = later_reader(last.get(own), number, schedule.sections)
        if schedule.sections:  # `later_reader` gives the end of a section if several streams read a value last: no kernel may overwrite it
            last = {own: i for own, i in last.items() if _reads(schedule.kernels[i : i + 1], own)}
        return cls({own: schedule.kernels[i] for own, i in last.items()})

    def replaced(
        self, kernel: Kernel, output: Node, taken: set[int], innermost: int | None = None
    ) -> Node | None:
        """An input that a kernel may overwrite with an output, as the kernel is its last reader; None without such an input. Inputs in `taken` are excluded.

        `innermost` is the number of the variable of a nest's innermost loop.
        """
        if isinstance(kernel, NestKernel):
            leaves = kernel.nest.leaves
        elif isinstance(kernel, ContractKernel) and kernel.epilogue is not None:
            leaves = kernel.operands
        else:
            return None
        homes = [home(leaf).id for leaf in leaves]
        for leaf, own in zip(leaves, homes, strict=True):
            if (
                self.last.get(own) is kernel
                and own not in taken
                # Two leaves of one array may be read at different elements.
                and homes.count(own) == 1
                and leaf.kind != "partial"  # its size depends on the number of tasks
                and dims.same(bytes_of(leaf), bytes_of(output))
                and _fits(kernel, output, leaf, innermost)
            ):
                return home(leaf)
        return None

    def updated(self, kernel: Kernel, output: Node) -> Node | None:
        """The value in which a kernel replaces a block, if the kernel is its last reader and reads no other element of it."""
        if output.kind != "dynamic_update_slice" or not isinstance(kernel, NestKernel):
            return None
        old = home(output.args[0])
        if self.last.get(old.id) is not kernel or not dims.same(bytes_of(old), bytes_of(output)):
            return None
        others = [x for x in kernel.outputs if x is not output and x.kind == output.kind]
        if any(home(leaf) is old for leaf in kernel.nest.leaves) or any(
            home(x.args[0]) is old for x in others
        ):
            return None
        return old


def _reads(kernels: Sequence[Kernel], own: int) -> bool:
    return any(home(leaf).id == own for kernel in kernels for leaf in kernel.inputs)


def _fits(kernel: Kernel, output: Node, old: Node, innermost: int | None) -> bool:
    """True if a kernel reads each element of `old` before it writes there."""
    if isinstance(kernel, NestKernel):
        return same_element(kernel, output, old, innermost)
    return isinstance(kernel, ContractKernel) and _same_cell(kernel, output, old)


def _updates_cells(kernel: ContractKernel, output: Node, old: Node) -> bool:
    """True if a contraction's epilogue computes each element of `output` from the element of `old` at the same index."""
    reads = [operand for operand in kernel.operands if home(operand) is home(old)]
    return len(reads) == 1 and _same_cell(kernel, output, reads[0])


def _same_cell(kernel: ContractKernel, output: Node, old: Node) -> bool:
    """True if a contraction's epilogue, and the sums on its tiles, read `old` only where it writes, and its tiles read nothing else there."""
    epilogue = kernel.epilogue
    if epilogue is None or home(old) in (home(kernel.match.left), home(kernel.match.right)):
        return False
    slot = epilogue.slots.index(old)
    # Equal sizes: elements of another size would not lie at the same bytes.
    return all(
        v.attrs[1].key == epilogue.place.key and v.dtype.size == output.dtype.size
        for v in closure([epilogue.value, *epilogue.sums])
        if v.kind == "load" and v.attrs[0] == slot
    )


def same_element(kernel: NestKernel, value: Node, old: Node, innermost: int | None = None) -> bool:
    """True if a nest loads `old` only at the index where it stores `value`, and no other store is in a deeper loop.

    Reductions may also read other elements of the row that the innermost loop (of the variable numbered `innermost`) writes: they are complete
    before that loop starts.
    """
    nest = kernel.nest
    if value.kind == "dynamic_update_slice" and home(value.args[0]) is not home(old):
        # The other elements are copied over `old` before the kernel runs.
        return all(home(x) is not home(old) for x in kernel.inputs)
    slot = next((i for i, leaf in enumerate(nest.leaves) if leaf is old), None)
    if slot is None:
        return True
    own = {len(nest.leaves) + i for i, o in enumerate(nest.outputs) if o is value}
    if len(own) > 1:
        # Pieces of a concat are stored one after the other: a later piece could read what an earlier one has
        # overwritten.
        return False
    offset = next((s.offset for s in nest.stores if s.slot in own), None)
    if offset is None:  # a value without elements, which no loop stores
        return False
    # A store in a deeper loop may still read `old` after `value` is stored.
    if any(not s.offset.vars <= offset.vars for s in nest.stores):
        return False
    column = next((v for v in nest.space if v.number == innermost), None)
    in_rows: set[int] = set()  # numbers of loads within such reductions
    for v in nest.values():
        if v.kind in ("reduce", "arg_reduce") and _loads_below(v, slot):
            if column is None or not _reduces_row(v, slot, offset, column):
                return False
            in_rows.update(x.number for x in _loads_below(v, slot))
    return all(
        (v.attrs[1].key == offset.key or v.number in in_rows) and v.dtype.size == value.dtype.size
        for v in nest.values()
        if v.kind == "load" and v.attrs[0] == slot
    )


def _reduces_row(v: Value, slot: int, offset: Index, column: Var) -> bool:
    """True if a reduction, computed before the loop over `column`, reads only the elements that this loop stores at `offset`."""
    if column in v.vars or len(v.attrs) > 2:
        return False
    along = {column}  # the column, and all variables of reductions that run along it
    for x in closure([v]):
        if x.kind in ("reduce", "arg_reduce"):
            along.update(x.attrs[1] if x.kind == "reduce" else (x.attrs[1],))
    if any(not same_extent(r.extent, column.extent) for r in along):
        return False

    def in_column(atom: Atom) -> Index:
        return of_atom(column if atom in along else atom)

    # With every reduction's variable replaced by the column, a load must have the store's index.
    return all(
        all(x.attrs[1].only_affine_in(r) for r in along)
        and x.attrs[1].replace(in_column).key == offset.key
        for x in _loads_below(v, slot)
    )


def _loads_below(v: Value, slot: int) -> list[Value]:
    return [x for x in closure(v.args) if x.kind == "load" and x.attrs[0] == slot]
