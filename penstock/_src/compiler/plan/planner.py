"""Kernels -> launches over buffers: the program before addresses are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.match import match
from penstock._src.compiler.codegen.kernel_code import PLAIN
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.codegen.nests.nest import emit_nest
from penstock._src.compiler.fusion.column_sums import TASKS
from penstock._src.compiler.fusion.partition import (
    Options,
    Partition,
    bytes_of,
    home,
    in_memory_already,
)
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import (
    BoundsKernel,
    Kernel,
    NestKernel,
    SpecialKernel,
    map_nest,
)
from penstock._src.compiler.kernels.loop_nest import FLAT
from penstock._src.compiler.plan.attention import launch_attention
from penstock._src.compiler.plan.buffers import Buffer, arrange
from penstock._src.compiler.plan.code_cache import CodeCache
from penstock._src.compiler.plan.control import PLANS
from penstock._src.compiler.plan.in_place import Lifetimes, writable_in_place
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.compiler.plan.plan import CheckFailed, OutOfBounds, Plan
from penstock._src.compiler.plan.prepacked import LEAST_BYTES, PrepackedWeights
from penstock._src.compiler.plan.specials import check_bounds, stop_unless
from penstock._src.compiler.plan.stops import Stops
from penstock._src.compiler.plan.verify.kernels import KernelVerifier
from penstock._src.compiler.plan.verify.order import Trace, verify_order
from penstock._src.compiler.recognize.attention import AttentionKernel
from penstock._src.compiler.tuning.records import tuned
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir import dims
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.native.language.types import OF_NUMPY
from penstock._src.util.flags import flags

GRAIN = 1 << 14  # element operations of a task
MOST_TASKS = 8  # of a nest, for each thread
EVEN = 1.04  # times the shortest time: many small tasks suit threads that lose their cores


def plan(function: Function, cache: CodeCache, threads: int) -> Plan:
    """The Plan of a function for a target and a number of threads; code that it needs and is not in the cache is written."""
    planner, written = Planner(function, cache, threads), cache.written
    planner.run()
    for buffer in planner.keep:
        buffer.touch(planner.time)
    guarded = bool(flags.guard)
    arena_bytes = arrange(planner.known, guarded)
    if planner.trace is not None:
        verify_order(planner.trace, arena_bytes, cache.target)
    conditions = [(check, planner.buffer(check.condition)) for check in function.checks]
    return Plan(
        function,
        tuple(planner.launches),
        tuple(planner.known),
        arena_bytes,
        tuple(planner.prepacked),
        tuple(planner.errors),
        tuple(conditions),
        frozenset(planner.algorithms),
        threads,
        guarded,
        cache.written - written,
    )


class Planner:
    """Plans one function."""

    def __init__(self, function: Function, cache: CodeCache, threads: int):
        self.function, self.cache, self.threads = function, cache, threads
        self.options = Options.from_flags(match)
        self.launches: list[Any] = []
        self.buffers: dict[int, Buffer] = {}  # of nodes, by id
        self.prepacked: list[PrepackedWeights] = []
        updated = {handle.id for handle, _ in function.updates}
        self.numbers = {p.id: i for i, p in enumerate(function.parameters)}
        self.assigned = {i for p, i in self.numbers.items() if p in updated}
        self.known: list[Buffer] = []  # every buffer of the program
        self.algorithms: set[str] = set()  # labels of contractions' code and of attentions
        self.symbols = _symbols(function)
        self.time = 0
        self.results: list[Buffer] = []
        self.tasks: dict[int, int] = {}  # of contractions that sum, by the kernel's identity
        self.lifetimes: Any = None  # of the temporaries of the partition at hand
        self.errors: list[OutOfBounds | CheckFailed] = []  # by error code - 1
        self.trace = Trace() if flags.verify else None

    # -- the whole function
    def run(self) -> None:
        """Plans the function."""
        function = self.function
        for i, parameter in enumerate(function.parameters):
            if parameter.dtype != dtypes.resource:
                self.buffers[parameter.id] = Buffer(
                    f"argument {i}", bytes_of(parameter), "input", i
                )
        part = self.partition = Partition(function, self.options)
        self.stops = Stops(function, part)
        copies = self._give_results_memory(part)
        later: list[tuple[Node, Buffer, Buffer | None]] = []
        for source, target in copies:  # what lies in memory is copied before variables change
            own = home(source)
            if own.kind == "item" or not in_memory_already(own):
                later.append((source, target, None))
            elif target.place == "output":
                self.copy(source, target)
            elif own.kind == "read":
                aside = self.temporary("old value", target.size)
                self.copy(source, aside)
                later.append((source, target, aside))
            else:
                later.append((source, target, None))
        self._launch_all(part, {home(source).id for source, _ in copies})
        for source, target, aside in later:
            self.copy(source, target, None, aside)
        self.note("the end", [*self.results, *self.keep], [])

    def _give_results_memory(self, part: Partition) -> list[tuple[Node, Buffer]]:
        """Results are computed where they are wanted if that is possible; else copied: (source, target)."""
        copies, taken = [], set()
        self.keep: list[Buffer] = []
        for i, node in enumerate(self.function.results):
            buffer = Buffer(f"result {i}", bytes_of(node), "output", i)
            self.results.append(buffer)
            own = home(node)
            if own.id in taken or (in_memory_already(own) and own.kind != "item"):
                copies.append((node, buffer))
            else:
                taken.add(own.id)
                self.buffers[own.id] = buffer
        reads = {n.args[0].id: n for n in part.nodes if n.kind == "read"}
        for handle, node in self.function.updates:
            buffer, own = self.variable(handle), home(node)
            read = reads.get(handle.id, handle)
            kept = own.id in taken or in_memory_already(own) or self.stops.is_early(own)
            if kept or not writable_in_place(part, own, read):
                copies.append((node, buffer))
            else:
                taken.add(own.id)
                self.buffers[own.id] = buffer
        for check in self.function.checks:
            self.keep.append(self.buffer(home(check.condition)))
        return copies

    # -- buffers
    def variable(self, handle: Node) -> Buffer:
        """The memory of a variable."""
        found = self.buffers.get(handle.id)
        if found is None:
            shape, dtype = handle.attrs["variable"]
            size = int(dims.product(shape)) * dtype.size
            number = self.numbers[handle.id]
            found = self.buffers[handle.id] = Buffer(f"variable {number}", size, "variable", number)
        return found

    def buffer(self, node: Node) -> Buffer:
        """Where a node's value lies."""
        node = home(node)
        if node.kind == "read":
            return self.variable(node.args[0])
        found = self.buffers.get(node.id)
        if found is None:
            if node.kind == "constant":
                found = Buffer("constant", bytes_of(node), "constant", array=node.attrs["value"])
            else:
                found = Buffer(f"{node.kind} %{node.id}", bytes_of(node))
            self.buffers[node.id] = found
            self.known.append(found)
        return found

    def temporary(self, name: str, size: int) -> Buffer:
        """Memory for one kernel only."""
        found = Buffer(name, size)
        found.touch(self.time)
        self.known.append(found)
        return found

    def used(self, node: Node) -> Buffer:
        """The buffer of a node, alive now."""
        found = self.buffer(node)
        found.touch(self.time)
        return found

    def note(self, kernel: Any, reads: Sequence[Buffer], writes: Sequence[Buffer]) -> None:
        """Notes what a kernel does with memory, if that is to be verified."""
        if self.trace is not None:
            self.trace.add(kernel, reads, writes)

    # -- launches
    def _launch_all(self, part: Partition, pinned: set[int]) -> None:
        """Launches a partition's kernels; `pinned` are nodes that are read after them."""
        lifetimes = self.lifetimes
        self.lifetimes = Lifetimes(part, pinned)
        self._share_updated(part)
        verifier = KernelVerifier(self.tasks, self.target) if flags.verify else None
        stops = self.stops.before if part.function is self.function else {}
        for number, kernel in enumerate(part.kernels):
            if verifier is not None:
                verifier.look_at(kernel)
            for check in stops.get(number, ()):
                stop_unless(self, check)
            self.launch(kernel)
        for check in stops.get(len(part.kernels), ()):
            stop_unless(self, check)
        if verifier is not None:
            verifier.look_at_stores()
        self.lifetimes = lifetimes

    def _share_updated(self, part: Partition) -> None:
        """Lets values of which a block is replaced lie where the result will lie, back through chains of updates."""
        computed = {
            n.id
            for k in part.kernels
            if isinstance(k, NestKernel | ContractKernel)
            for n in k.outputs
        }
        for kernel in reversed(part.kernels):
            for node in kernel.outputs:
                old = self.lifetimes.updated(kernel, node)
                if old is None or old.id not in computed or old.id in self.buffers:
                    continue
                if self.buffer(node).place in ("arena", "output"):
                    self.buffers[old.id] = self.buffer(node)

    def _put_in_place(
        self, kernel: NestKernel | ContractKernel, innermost: int | None = None
    ) -> None:
        """Lays outputs that have no place yet over inputs that are read here for the last time."""
        taken: set[int] = set()
        for node in kernel.outputs:
            if node.id in self.buffers or node.kind == "dynamic_update_slice":
                continue
            old = self.lifetimes.replaced(kernel, node, taken, innermost)
            if old is not None and self.buffer(old).place in ("arena", "inside"):
                taken.add(old.id)
                name = f"{node.kind} %{node.id}"
                within = self.buffer(old)
                within = within.inside or within  # a chain of them would be as long as the program
                whole = Buffer(name, bytes_of(node), "inside", inside=within)
                self.buffers[node.id] = whole
                self.known.append(whole)

    def launch(self, kernel: Kernel) -> None:
        """Adds a kernel's launches."""
        if isinstance(kernel, NestKernel):
            code = self._code_of(kernel)
            self._put_in_place(kernel, code.innermost)
            for node in kernel.outputs:
                if node.kind == "dynamic_update_slice":
                    self.begin_with(node.args[0], self.used(node))
            self._launch_nest(kernel, code, [self.used(n) for n in kernel.nest.outputs])
        elif isinstance(kernel, ContractKernel):
            self._launch_contraction(kernel)
        elif isinstance(kernel, AttentionKernel):
            launch_attention(self, kernel)
            self.note(
                kernel, *[[self.buffer(n) for n in x] for x in (kernel.inputs, kernel.outputs)]
            )
        elif isinstance(kernel, SpecialKernel):
            PLANS[kernel.node.kind](self, kernel)
        elif isinstance(kernel, BoundsKernel):
            check_bounds(self, kernel.inputs[0], 1, [int(kernel.extent)], kernel.node)
            self.note(kernel, [self.buffer(kernel.inputs[0])], [])
        else:
            raise UnimplementedError(None, None, f"{kernel.label}: not in compiled code.")
        self.time += 1

    def begin_with(self, source: Node, target: Buffer) -> None:
        """Makes a buffer hold a node, unless it is that node's own."""
        lies = self.partition.is_leaf(home(source))
        if not lies or self.buffer(source) is not target:
            self.copy(source, target)

    def copy(
        self,
        source: Node,
        target: Buffer,
        part: Partition | None = None,
        from_buffer: Buffer | None = None,
    ) -> None:
        """Copies a node that lies in memory (in `from_buffer`, if that is not its usual place)."""
        target.touch(self.time)
        kernel = map_nest([source], (part or self.partition).is_leaf, define=False)
        leaves = None
        if from_buffer is not None:
            from_buffer.touch(self.time)
            leaves = [from_buffer]
        self._launch_nest(kernel, self._code_of(kernel), [target], leaves)
        self.time += 1

    def inline(
        self, function: Function, arguments: Sequence[Buffer], part: Partition | None = None,
        wanted: dict[int, Buffer] | None = None,
    ) -> list[Buffer]:  # fmt: skip
        """Plans a nested function on given arguments; `wanted` says where some nodes shall lie. Returns its results."""
        outer = self.partition
        self.partition = part = part or Partition(function, self.options)
        for parameter, buffer in zip(function.parameters, arguments, strict=True):
            self.buffers[parameter.id] = buffer
            buffer.touch(self.time)
        for node in function.nodes():
            if node.kind not in ("constant", "parameter"):
                self.buffers.pop(node.id, None)
        self.buffers.update(wanted or {})
        self._launch_all(part, {home(r).id for r in function.results})
        results = [self.used(r) for r in function.results]
        self.time += 1
        self.partition = outer
        return results

    def keep_through(self, start: int, buffers: Sequence[Buffer]) -> None:
        """What a loop uses and was made before it stays alive until its end."""
        for buffer in buffers:
            buffer.touch(self.time)
        for buffer in self.known:
            if buffer.first < start <= buffer.last:
                buffer.touch(self.time)

    def extent(self, expression: Any) -> int:
        """What an extent is now."""
        return dims.evaluate(expression, self.symbols)

    def _code_of(self, kernel: NestKernel) -> NestCode:
        nest = kernel.nest
        return self.cache.get(
            ("nest", nest.signature()), lambda: emit_nest(nest, self.cache.target)
        )

    def _launch_nest(
        self, kernel: NestKernel, code: NestCode, outputs: Sequence[Buffer],
        leaves: list[Buffer] | None = None,
    ) -> None:  # fmt: skip
        nest = kernel.nest
        if leaves is None:
            leaves = [self.used(leaf) for leaf in nest.leaves]
        replaced = [
            b for b, n in zip(outputs, nest.outputs)
            if n.kind == "dynamic_update_slice" and n not in nest.leaves
        ]  # fmt: skip
        self.note(kernel, [*leaves, *replaced], outputs)
        known = dict(self.symbols)
        if kernel.length is not None:
            known[FLAT] = kernel.length
        if kernel.adds_up is not None:
            known[TASKS] = self.tasks[id(kernel.adds_up)]

        def extent(expression: Any) -> int:
            return dims.evaluate(expression, known)

        total = code.iterations(extent)
        if total == 0:
            return
        per = rounds_of_a_task(total, math.ceil(code.work(extent) / GRAIN), self.threads)
        extents = [extent(e) for e in code.extents]
        args = [per, total, *leaves, *outputs, *extents]
        tasks, made = -(-total // per), kernel.outputs
        self.launches.append(Launch(code.code, code.function, tasks, args, kernel.label, made))

    def _launch_contraction(self, kernel: ContractKernel) -> None:
        if not kernel.outputs[0].size:  # nothing is stored: its tiles cannot even be written
            self._launch_nothing(kernel)
            return
        found, epilogue = tuned(kernel.match, self.target, self.threads), kernel.epilogue
        if self._stays(found.right):
            found = found.keeping()
        sizes = [int(s) for s in found.sizes]
        key = ("contract", found.key, epilogue and epilogue.signature(), self.threads)

        def write() -> tuple[Any, list[Any]]:
            hook: Any = PLAIN if epilogue is None else ExpressionEpilogue(epilogue)
            element = None if epilogue is None else element_type(epilogue.dtype)
            code = found.emit(self.target, self.threads, hook, output=element)
            return code, getattr(hook, "extents", [])

        code, expressions = self.cache.get(key, write)
        left, right = self.used(found.left), self.used(found.right)
        partials: Any = self._partials(kernel, code, sizes) if kernel.partial is not None else 0
        if code.in_place:
            self._put_in_place(kernel)
        output = self.used(kernel.outputs[0])
        operands = [
            *[self.used(n) for n in kernel.operands],
            *[self.extent(e) for e in expressions],
        ]
        self.algorithms.add(code.label)
        scratch = self.temporary("scratch", code.scratch(tuple(sizes)))
        sources = [left, self.used(found.right), *[self.buffer(n) for n in kernel.operands]]
        self.note(kernel, sources, [output, scratch, *([partials] if partials else [])])
        if code.kept:
            right = self._prepacked(found.key, right, code, tuple(sizes))
        for stage in code.stages(tuple(sizes)):
            if stage.keeps:
                continue
            words = code.context(
                stage,
                left,
                right,
                output,
                partials,
                lambda offset: (scratch, offset),
                sizes,
                operands,
            )
            tasks = stage.tasks(tuple(sizes))
            self.add(code.code, stage.function, tasks, words, kernel.label, kernel.outputs)

    def _launch_nothing(self, kernel: ContractKernel) -> None:
        """A contraction without elements: no task sums anything."""
        made = [self.used(n) for n in (kernel.outputs[0], kernel.partial) if n is not None]
        self.note(kernel, [], made)
        self.tasks[id(kernel)] = 0

    def _stays(self, weights: Node) -> bool:
        """Whether what is made of weights may be kept: they are a variable that this program does not assign."""
        buffer = self.buffer(weights)
        unchanging = buffer.place == "variable" and buffer.number not in self.assigned
        return unchanging and buffer.size >= LEAST_BYTES

    def _prepacked(self, key: Any, weights: Buffer, code: Any, sizes: tuple[int, ...]) -> Buffer:
        """The memory of packed weights, one for all that pack a variable alike."""
        key = (key, self.threads)
        for known in self.prepacked:
            if known.key == key and known.variable == weights.number:
                return known.memory
        memory = Buffer("prepacked weights", code.kept, "prepacked", len(self.prepacked))
        self.prepacked.append(PrepackedWeights(key, weights.number, memory, code, sizes))
        return memory

    def _partials(self, kernel: ContractKernel, code: Any, sizes: Sequence[int]) -> Buffer:
        """The memory of the sums of each of a contraction's tasks."""
        tasks, bytes_each = code.partials(tuple(sizes))
        self.tasks[id(kernel)] = tasks
        node: Node = kernel.partial  # type: ignore[assignment]
        buffer = self.buffers[node.id] = Buffer(f"partial %{node.id}", tasks * bytes_each)
        self.known.append(buffer)
        return self.used(node)

    def code(self, key: Any, write: Callable[[Any], Any]) -> Any:
        """The code of a special kernel, for the target."""
        return self.cache.get(key, lambda: write(self.target))

    @property
    def target(self) -> Any:
        return self.cache.target

    def add(
        self,
        code: Any,
        function: str,
        tasks: int,
        args: list[Any],
        label: str,
        made: Sequence[Node],
    ) -> None:
        """Adds a launch of a kernel that stores the nodes `made`."""
        if tasks:
            self.launches.append(Launch(code, function, tasks, args, label, made))


def rounds_of_a_task(total: int, most: int, threads: int) -> int:
    """How many of `total` rounds a task takes, for `most` tasks or fewer: so that all threads end together."""
    most = min(total, most, MOST_TASKS * threads)
    if threads == 1 or most <= 1:
        return total

    def longest(tasks: int) -> int:
        """Rounds of the thread with the most to do."""
        per = dims.ceil_divide(total, tasks)
        return dims.ceil_divide(dims.ceil_divide(total, per), threads) * per

    counts = {most, *range(threads, most + 1, threads)}
    least = min(map(longest, counts))
    return dims.ceil_divide(total, max(c for c in counts if longest(c) <= EVEN * least))


def element_type(dtype: Any) -> str:
    """LLVM's type of an element of a contraction's output."""
    return OF_NUMPY[dtype.name]


def _symbols(function: Function) -> dict[str, int]:
    """The values of the signature's unknown dimensions: told, or found where an extent is a bare symbol."""
    found: dict[str, int] = dict(function.symbols)
    for inner in function.functions():
        for node in (*inner.parameters, *inner.nodes()):
            shapes = [node.shape] if node.results is None else [s for s, _ in node.results]
            if "variable" in node.attrs:
                shapes.append(node.attrs["variable"][0])
            if node.kind == "size":
                shapes.append(node.attrs["dims"])
            # An input's value that is specialized for may stand in bounds only.
            bounds = ("starts", "limits", "low", "high")
            shapes += [node.attrs[name] for name in bounds if name in node.attrs]
            for shape in shapes:
                for extent in shape:
                    if isinstance(extent, dims.Dim) and len(extent.expr) == 1:
                        monomial, coefficient = extent.expr[0]
                        if coefficient == 1 and len(monomial) == 1 and monomial[0][0] == "symbol":
                            found[monomial[0][1]] = int(extent)
    return found
