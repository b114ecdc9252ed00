"""Gathering of sharded weights where they are used; they are freed between uses (ZeRO's third stage).

The forward and the backward pass each gather a weight separately, so that no gathered copy lives through both. Casts and movements of
a weight alone are computed in both. Each gather starts when the previous one is first used, so that it travels during
computation; small ones travel together. Sums of gradients that are sharded over processes start as soon as the gradients are ready.

Before: w = _ReadWhole(part),  y = MatMul(x, w),  ...,  dx = MatMul(dy, w)
After:  w = _GatherParts(part),  y = MatMul(x, w),  ...,  w1 = _GatherParts(part),  dx = MatMul(dy, w1)
"""

import copy
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock._src.core.calls.binding import complete
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.collectives import joined
from penstock._src.graph.passes.scattered_sums import scattered, with_inputs
from penstock._src.graph.static_values import get_static_value
from penstock._src.ops.collective.cluster import PACK_BYTES, packs_of
from penstock._src.ops.collective.parts import _GatherParts, _SumOfParts
from penstock._src.ops.collective.weights import _ReadWhole
from penstock._src.util.dataclass import dataclass

AHEAD = 1  # exchanges of a kind in flight at a time: one travels while others compute


@dataclass
class Gather:
    """A weight gathered for one pass.

    read       the operation that reads it
    is_late    True if the backward pass uses it
    uses       indices of the operations that use it
    """

    read: Operation
    is_late: bool
    uses: list[int]

    @property
    def first(self) -> int:
        """Position of the first use."""
        return self.uses[0]


class Array(NamedTuple):
    """An array of a pack of sums."""

    size: int
    dtype: Any


def with_exchanges(operations: list[Operation], outputs: Sequence[Any]) -> list[Operation]:
    """Returns the operations with their exchanges as members of groups, devices and processes make them together."""
    return with_gathers(scattered(joined(operations), outputs), outputs)


def with_gathers(operations: list[Operation], outputs: Sequence[Any]) -> list[Operation]:
    """Returns the operations with gathers in place of reads of whole weights; those that are new are in no graph.

    Args:
      operations: in the order in which they run.
      outputs: the tensors that are read.
    """
    if not any(isinstance(op.raw_op, _ReadWhole) for op in operations):
        return operations
    return _Rewrite(_with_narrow_reads(operations, outputs), outputs).result()


def _with_narrow_reads(operations: list[Operation], outputs: Sequence[Any]) -> list[Operation]:
    """Returns the operations with casts of weights merged into their reads, if the weight has no other use.

    Casts are elementwise, so the shard can be cast before it travels: fewer bytes, and the same bits.

    Before: w = _ReadWhole(part),  c = Cast(w),  y = MatMul(x, c)
    After:  c = _ReadWhole(part),  y = MatMul(x, c)
    """
    readers: dict[int, list[Operation]] = defaultdict(list)
    for op in operations:
        for t in op._inputs:
            readers[t._id].append(op)
    asked = {t._id for t in outputs}
    instead: dict[int, Any] = {}  # a cast's result, or the weight -> the tensor that is read
    for op in operations:
        if isinstance(op.raw_op, _ReadWhole) and op._outputs[0]._id not in asked:
            casts = readers[op._outputs[0]._id]
            if casts and all(_narrows_like(casts[0], cast) for cast in casts):
                narrowed = [cast._outputs[0] for cast in casts]
                if not any(t._id in asked for t in narrowed[1:]):
                    instead.update(
                        dict.fromkeys([t._id for t in (*op._outputs, *narrowed)], narrowed[0])
                    )
    if not instead:
        return operations
    rewritten = []
    for op in operations:
        if isinstance(op.raw_op, _ReadWhole) and op._outputs[0]._id in instead:
            read = copy.copy(op)
            read._outputs = [instead[op._outputs[0]._id]]
            rewritten.append(read)
        elif not any(t._id in instead for t in op._outputs):
            is_changed = any(t._id in instead for t in op._inputs)
            inputs = [instead.get(t._id, t) for t in op._inputs]
            rewritten.append(with_inputs(op, inputs) if is_changed else op)
    return rewritten


def _narrows_like(first: Operation, op: Operation) -> bool:
    """True if two operations cast floats to the same smaller type."""
    raw: Any = op.raw_op
    return (
        raw.op_type == "Cast"
        and raw.DstT == first._outputs[0].dtype
        and raw.DstT.is_floating
        and raw.SrcT.is_floating
        and raw.DstT.size < raw.SrcT.size
        and not raw.Truncate
    )


class _Rewrite:
    def __init__(self, operations: list[Operation], outputs: Sequence[Any]) -> None:
        self.operations = list(operations)
        self.outputs = {t._id for t in outputs}
        self.before: dict[int, list[Operation]] = defaultdict(list)  # index -> operations to add
        self.left_out: set[int] = set()  # indices
        self.places = {t._id: i for i, op in enumerate(operations) for t in op._outputs}
        # Tensors computed from one weight alone: the tensor's id -> the operation that reads the weight.
        self.family: dict[int, Operation] = {}

    def result(self) -> list[Operation]:
        """The operations."""
        self._move_sums()
        gathers = self._gathers()
        before = 0
        for at, pack in enumerate(self._packs(gathers)):
            self._add_gathers(pack, before if at else pack[0].first)
            before = pack[0].first
        operations = []
        for place, op in enumerate(self.operations):
            operations += self.before.get(place, [])
            if place not in self.left_out:
                operations.append(op)
        return operations + self.before.get(len(self.operations), [])

    # -- uses of each weight

    def _gathers(self) -> list[Gather]:
        """Return the gathers that the passes need, in the order of first use."""
        by_read: dict[tuple[int, bool], Gather] = {}
        for place, op in enumerate(self.operations):
            if isinstance(op.raw_op, _ReadWhole):
                self.family[op._outputs[0]._id] = op
                self.left_out.add(place)
                continue
            is_late = op.gradient_of is not None
            reads = {id(r): r for t in op._inputs if (r := self.family.get(t._id)) is not None}
            for read in reads.values():
                gather = by_read.setdefault((id(read), is_late), Gather(read, is_late, []))
                gather.uses.append(place)
            if len(reads) == 1 and not is_late and self._is_cheap(op):
                self.family.update(dict.fromkeys([t._id for t in op._outputs], *reads.values()))
        for at, read in self.family.items():  # those that nothing but the caller reads
            if at in self.outputs and (id(read), False) not in by_read:
                by_read[id(read), False] = Gather(read, False, [len(self.operations)])
        gathers = sorted(by_read.values(), key=lambda gather: gather.first)
        return [g for i, g in enumerate(gathers) if not self._is_still_there(g, gathers[:i])]

    def _is_cheap(self, op: Operation) -> bool:
        """True if an operation moves or maps elements of a weight and has no other computed input."""
        raw = op.raw_op
        others = [t for t in op._inputs if t._id not in self.family]
        return (
            (raw.elements.is_elementwise or raw.elements.is_movement or raw.values.rounds_nothing)
            and not raw.stateful
            and all(get_static_value(t) is not None for t in others)
        )

    def _is_still_there(self, gather: Gather, before: Sequence[Gather]) -> bool:
        """True if the backward pass begins with a weight that the forward pass used last."""
        return gather.is_late and bool(before) and before[-1].read is gather.read

    # -- gathers

    def _packs(self, gathers: Sequence[Gather]) -> list[list[Gather]]:
        """Return gathers that travel together: consecutive ones of one pass, with parts that are computed before the first is needed."""
        packs: list[list[Gather]] = []
        most = 0
        for gather in gathers:
            whole: Any = gather.read._outputs[0]
            size = whole.shape.num_elements() * whole.dtype.size
            first = packs[-1][0] if packs else gather
            is_alike = (
                gather.is_late == first.is_late and whole.dtype == first.read._outputs[0].dtype
            )
            if not packs or size > most or not is_alike or self._settled(gather) > first.first:
                packs.append([])
                raw: Any = gather.read.raw_op
                most = raw.pack_bytes or PACK_BYTES
            packs[-1].append(gather)
            most -= size
        return packs

    def _add_gathers(self, pack: Sequence[Gather], place: int) -> None:
        """Inserts the gathers of a pack at an index, or after it as soon as the shards have their values."""
        place = max([place, *[self._settled(gather) for gather in pack]])
        makers = {self.places.get(gather.read._inputs[1]._id, -1) for gather in pack}
        for maker in sorted(m for m in makers if m >= place):
            self.before[place].append(self.operations[maker])
            self.left_out.add(maker)
        gather_op = copy.copy(pack[0].read)
        gather_op._inputs = [g.read._inputs[1] for g in pack]
        gather_op._outputs = [g.read._outputs[0] for g in pack]
        if pack[0].is_late:
            gather_op._outputs = [_like(t, gather_op, i) for i, t in enumerate(gather_op._outputs)]
        reads: list[Any] = [g.read.raw_op for g in pack]
        attrs = {
            "shapes": tuple(read.output_shape for read in reads),
            "T": tuple(t.dtype for t in gather_op._inputs),
            "Tout": tuple(t.dtype for t in gather_op._outputs),
            "size": reads[0].size,
            "pack_bytes": reads[0].pack_bytes,
            "ahead": AHEAD,
        }
        gather_op.raw_op = complete(_GatherParts, attrs, True)
        self.before[place].append(gather_op)
        for gather, value in zip(pack, gather_op._outputs, strict=True):
            if gather.is_late:
                self._use(gather, value)

    def _settled(self, gather: Gather) -> int:
        """The index at which the shard has the value that is gathered."""
        maker = self.places.get(gather.read._inputs[1]._id)
        if maker is None:  # it is given
            return 0
        op = self.operations[maker]
        handles = {t._id for t in op._inputs}
        if not op.raw_op.effects.reads_only:
            return maker + 1
        for place in range(maker - 1, -1, -1):
            other = self.operations[place]
            if not other.raw_op.effects.reads_only and any(t._id in handles for t in other._inputs):
                return place + 1
        return 0

    def _use(self, gather: Gather, value: Any) -> None:
        """Let the backward pass use its own copy of a value, and of inputs that are computed from the weight alone."""
        new: dict[int, Any] = {gather.read._outputs[0]._id: value}

        def renewed(tensor: Any, place: int) -> Any:
            if self.family.get(tensor._id) is not gather.read:
                return tensor
            if tensor._id not in new:
                maker = self.operations[self.places[tensor._id]]
                copied = with_inputs(maker, [renewed(t, place) for t in maker._inputs])
                copied._outputs = [_like(t, copied, i) for i, t in enumerate(maker._outputs)]
                new.update({a._id: b for a, b in zip(maker._outputs, copied._outputs, strict=True)})
                self.before[place].append(copied)
            return new[tensor._id]

        for place in gather.uses:
            op = self.operations[place]
            self.operations[place] = with_inputs(op, [renewed(t, place) for t in op._inputs])

    # -- sums

    def _move_sums(self) -> None:
        """Puts the sums of each pack where the last of its tensors is made."""
        for at, op in enumerate(list(self.operations)):
            old: Any = op.raw_op
            if not isinstance(old, _SumOfParts):
                continue
            self.left_out.add(at)
            inputs: Sequence[Any] = op._inputs
            arrays = [Array(x.shape.num_elements(), x.dtype) for x in inputs]
            for pack in packs_of(arrays, old.pack_bytes or PACK_BYTES):
                sum_op = with_inputs(op, [op._inputs[i] for i in pack])
                sum_op._outputs = [op._outputs[i] for i in pack]
                types = tuple(t.dtype for t in sum_op._inputs)
                sum_op.raw_op = complete(
                    _SumOfParts, old.attrs | {"T": types, "ahead": AHEAD}, True
                )
                last = max(self.places.get(t._id, at - 1) for t in sum_op._inputs)
                self.before[last + 1].append(sum_op)


def _like(tensor: Any, op: Operation, index: int) -> SymbolicTensor:
    return SymbolicTensor(op, index, tensor.dtype, tensor.shape)
