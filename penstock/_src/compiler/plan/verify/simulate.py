"""Simulates a function's scheduled kernels in NumPy: loop nests, epilogues and partial sums as scheduled, without LLVM.

    results, updates = run(function, arguments)      as ir.interpreter.run returns them

A result that differs from the interpreter of primitives by more than the order of sums shows a defect of fusion/ or kernels/. Each store
must write an element that was not written before, and each load must read one that was. Contractions, attentions and special kernels are
computed by the meaning of their nodes; bodies of loops and branches are scheduled as well.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from penstock._src.compiler.fusion.column_sums import TASKS
from penstock._src.compiler.fusion.schedule import Schedule, schedule_function
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.index import Atom, Division, Dynamic, Index, Var
from penstock._src.compiler.kernels.kernel import Kernel, NestKernel
from penstock._src.compiler.kernels.loop_nest import Store
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.compiler.plan.verify.domain import Extents, evaluated, extents_of, fail
from penstock._src.ir.function import Function
from penstock._src.ir.interpreter import evaluate_node
from penstock._src.ir.meaning import scalars
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES

SUMMING = 3  # simulated tasks of a contraction with partial sums
LARGEST = 1 << 24  # elements of a value over all loops on which it depends


class TooLarge(Exception):
    """A kernel has too many points for this simulation."""


def run(function: Function, arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The function's results, and the new values of the variables in `function.updates`."""
    return _Run(schedule_function(function), arguments).results()


class _Elements:
    """The elements of a stored node, and which of them have been written (None: all)."""

    def __init__(self, values: np.ndarray, written: np.ndarray | None = None):
        self.values, self.written = values, written


class _Run:
    """The simulation of one function's kernels."""

    def __init__(self, schedule: Schedule, arguments: Sequence[Any]):
        self.schedule, self.function = schedule, schedule.function
        self.memory: dict[int, _Elements] = {}
        self.known: dict[int, Any] = {}  # shaped values of nodes computed by their meaning
        for parameter, argument in zip(self.function.parameters, arguments, strict=True):
            self.known[parameter.id] = np.array(argument)

    def results(self) -> tuple[list[Any], list[Any]]:
        """Runs all kernels; returns the function's results, and the new values of variables."""
        for kernel in self.schedule.kernels:
            self._run(kernel)
        results = [self.array(r) for r in self.function.results]
        return results, [self.array(value) for _, value in self.function.updates]

    # -- memory
    def of(self, node: Node) -> _Elements:
        """The memory of a leaf."""
        node = home(node)
        elements = self.memory.get(node.id)
        if elements is None:
            elements = self.memory[node.id] = _Elements(np.array(self.array(node)).reshape(-1))
        return elements

    def array(self, node: Node) -> Any:
        """A node's value: from memory, or by the meaning of its primitive."""
        if node.id in self.memory:
            return self.memory[node.id].values.reshape([int(e) for e in node.shape])
        if node.id not in self.known:
            if node.kind == "read":
                self.known[node.id] = self.array(node.args[0])
            elif node.kind == "while":
                self.known[node.id] = self._while(node)
            elif node.kind == "case":
                branches, index = node.attrs["branches"], int(self.array(node.args[0]))
                chosen = branches[index] if 0 <= index < len(branches) else branches[-1]
                self.known[node.id] = self._inner(chosen, node.args[1:])
            else:
                self.known[node.id] = evaluate_node(node, [self.array(a) for a in node.args])
        return self.known[node.id]

    def _inner(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        values = [self.array(a) if isinstance(a, Node) else a for a in arguments]
        return _Run(self.schedule.nested[function], values).results()[0]

    def _while(self, node: Node) -> list[Any]:
        carried = node.attrs["carried"]
        values = [self.array(a) for a in node.args]
        state, outer = values[:carried], values[carried:]
        while self._inner(node.attrs["cond"], [*state, *outer])[0]:
            state = self._inner(node.attrs["body"], [*state, *outer])
        return state

    # -- kernels
    def _run(self, kernel: Kernel) -> None:
        if isinstance(kernel, NestKernel):
            self._run_nest(kernel)
        elif isinstance(kernel, ContractKernel):
            self._run_contraction(kernel)
        else:
            for node in kernel.outputs:
                self.memory[node.id] = _Elements(np.array(self.array(node)).reshape(-1))

    def _run_nest(self, kernel: NestKernel) -> None:
        nest = kernel.nest
        extent = extents_of(kernel, SUMMING)
        points = _Points(
            kernel, nest.space, nest.values(), [self.of(n) for n in nest.leaves], extent
        )
        for node in nest.outputs:
            if node.id in self.memory:
                continue
            if node.kind == "dynamic_update_slice":
                # The kernel keeps what is around the block.
                self.memory[node.id] = _Elements(np.array(self.array(node.args[0])).reshape(-1))
            else:
                size = extent(node.size)
                self.memory[node.id] = _Elements(
                    np.empty(size, node.dtype.np), np.zeros(size, bool)
                )
        for store in nest.stores:
            node = nest.outputs[store.slot - len(nest.leaves)]
            places, values = points.stored(store)
            memory = self.memory[node.id]
            if len(places) and (places.min() < 0 or places.max() >= len(memory.values)):
                fail(kernel, f"{node!r} is stored at {store.offset}, outside of it")
            if len(np.unique(places)) != len(places):
                fail(kernel, f"{node!r} is stored twice at {store.offset}")
            memory.values[places] = values
            if memory.written is not None:
                if memory.written[places].any():
                    fail(kernel, f"{node!r} is stored again at {store.offset}")
                memory.written[places] = True

    def _run_contraction(self, kernel: ContractKernel) -> None:
        (final, *_), epilogue = kernel.outputs, kernel.epilogue
        whole = np.array(evaluate_node(kernel.node, [self.array(a) for a in kernel.node.args]))
        if epilogue is None:
            self.memory[final.id] = _Elements(whole.reshape(-1))
            return
        leaves = [_Elements(whole.reshape(-1)), *[self.of(n) for n in kernel.operands]]
        values = closure([epilogue.value, *epilogue.sums])
        points = _Points(kernel, (epilogue.row, epilogue.column), values, leaves, int)
        shape = int(epilogue.row.extent), int(epilogue.column.extent)
        if 0 in shape:
            self._nothing(kernel)
            return
        computed = np.broadcast_to(points.value(epilogue.value), shape)
        self.memory[final.id] = _Elements(computed.reshape(-1).astype(final.dtype.np))
        if kernel.partial is not None:
            sums = [np.broadcast_to(points.value(v), shape) for v in epilogue.sums]
            # In parts, as tasks of a launch: any number of them adds up to the same total.
            parts = [np.stack([part.sum(0) for part in np.array_split(s, SUMMING)]) for s in sums]
            self.memory[kernel.partial.id] = _Elements(np.stack(parts, 1).reshape(-1))

    def _nothing(self, kernel: ContractKernel) -> None:
        """Stores the outputs of a contraction without elements: empty sums."""
        for node in (kernel.outputs[0], kernel.partial):
            if node is not None:
                size = evaluated({TASKS: SUMMING})(node.size)
                self.memory[node.id] = _Elements(np.zeros(size, node.dtype.np))


class _Points:
    """The values of a kernel at all points of its loops: arrays with an axis for each variable."""

    def __init__(
        self, kernel: Kernel, space: Sequence[Var], values: Sequence[Value],
        leaves: list[_Elements], extent: Extents,
    ) -> None:  # fmt: skip
        self.kernel, self.leaves, self.extent = kernel, leaves, extent
        inner = [v for x in values if x.kind == "reduce" for v in x.attrs[1]]
        inner += [x.attrs[1] for x in values if x.kind == "arg_reduce"]
        self.axes = {v: i for i, v in enumerate(dict.fromkeys([*space, *inner]))}
        self.known: dict[int, Any] = {}
        self.limits = {
            x.attrs[1][0]: x.attrs[2] for x in values if x.kind == "reduce" and len(x.attrs) > 2
        }

    def shape(self, variables: Any) -> list[int]:
        """The extents of some variables along their axes, and 1 along others."""
        extents = [self.extent(v.extent) if v in variables else 1 for v in self.axes]
        if np.prod(extents, dtype=object) > LARGEST:
            raise TooLarge(f"{self.kernel.label}: {extents}")
        return extents

    def stored(self, store: Store) -> tuple[np.ndarray, np.ndarray]:
        """(offsets, values) of a store at its points."""
        shape = self.shape(store.vars)
        if 0 in shape:
            return np.empty(0, np.int64), np.empty(0, store.dtype.np)
        places, values = self.index(store.offset), self.value(store.value)
        return np.broadcast_to(places, shape).reshape(-1), np.broadcast_to(values, shape).reshape(
            -1
        )

    # -- indices
    def index(self, index: Index) -> Any:
        """An index at every point."""
        total: Any = np.full([1] * len(self.axes), self.extent(index.const), np.int64)
        for atom, factor in index.terms:
            total = total + self._atom(atom) * self.extent(factor)
        return total

    def _atom(self, atom: Atom) -> Any:
        if isinstance(atom, Var):
            return np.arange(self.extent(atom.extent)).reshape(self.shape((atom,)))
        if isinstance(atom, Dynamic):
            return np.asarray(self.value(atom.value)).astype(np.int64)
        assert isinstance(atom, Division)
        divisor = max(self.extent(atom.divisor), 1)
        index = self.index(atom.index)
        return index // divisor if atom.quotient else index % divisor

    # -- values
    def value(self, value: Value) -> Any:
        """A value at every point."""
        for v in closure([value]):
            if v.number not in self.known:
                # Raises before NumPy allocates an array that is too large.
                self.shape(v.vars)
                with np.errstate(all="ignore"):
                    self.known[v.number] = self._compute(v, [self.known[a.number] for a in v.args])
        return self.known[value.number]

    def _compute(self, v: Value, args: list[Any]) -> Any:
        if v.kind == "const":
            return np.full([1] * len(self.axes), v.attrs[0]).astype(v.dtype.np)
        if v.kind == "load":
            return self._load(v, args)
        if v.kind == "index":
            return _meaning("cast", [self.index(v.attrs[0])], v)
        if v.kind == "inside":
            index, low, limit = v.attrs
            at = self.index(index)
            return (at >= self.extent(low)) & (at < self.extent(limit))
        if v.kind in ("reduce", "arg_reduce"):
            return self._reduce(v, args[0])
        if v.kind == "iterate":
            recurrence, index = v.attrs
            return _meaning("iterate", args, v, recurrence=recurrence, index=index)
        if v.kind in ("select", "cast", "bitcast"):
            return _meaning(v.kind, args, v)
        if v.kind in scalars.COMPARE and v.dtype.is_bool and v.kind not in scalars.BINARY:
            return _meaning("compare", args, v)
        return _meaning("unary" if len(args) == 1 else "binary", args, v)

    def _load(self, v: Value, guards: list[Any]) -> Any:
        slot, index = v.attrs
        memory, places = self.leaves[slot], self.index(index)
        values = memory.values
        if values.dtype.itemsize != v.dtype.np.itemsize:
            values = values.view(v.dtype.np)
        allowed: Any = np.ones(places.shape, bool)
        for guard in (*guards, *[self._below(x) for x in self.limits if x in index.vars]):
            allowed = allowed & guard
        places, allowed = np.broadcast_arrays(places, allowed)
        here = places[allowed]
        if here.size and (here.min() < 0 or here.max() >= len(values)):
            fail(self.kernel, f"slot {slot} is read at {index}, outside of {len(values)} elements")
        if memory.written is not None and not memory.written[here].all():
            fail(self.kernel, f"slot {slot} is read at {index}, where nothing was written")
        # A load whose guard does not hold gives zero.
        out = np.zeros(places.shape, values.dtype)
        out[allowed] = values[here]
        return out

    def _reduce(self, v: Value, body: Any) -> Any:
        op = v.attrs[0]
        variables = v.attrs[1] if v.kind == "reduce" else (v.attrs[1],)
        body = np.broadcast_to(body, self.shape(v.args[0].vars.union(variables)))
        axes = tuple([self.axes[x] for x in variables])
        if len(v.attrs) > 2:
            body = self._within(v, body)
        if v.kind == "arg_reduce":
            shape = [*np.delete(body.shape, axes)]
            reduced = _meaning(v.kind, [body], v, op=op, axis=axes[0], shape=shape)
        else:
            reduced = _meaning(v.kind, [body], v, op=op, axes=axes)
        return np.expand_dims(reduced, axes)

    def _within(self, v: Value, body: Any) -> Any:
        """The operand of a reduction with a limit, with the neutral element beyond the limit."""
        # A reduction of nothing.
        neutral = _meaning("reduce", [np.empty(0, body.dtype)], v, op=v.attrs[0], axes=(0,))
        return np.where(self._below(v.attrs[1][0]), body, neutral)

    def _below(self, variable: Var) -> Any:
        """True where a variable is below the limit of the reduction along it."""
        return self._atom(variable) < self.index(self.limits[variable])


def _meaning(
    kind: str, args: list[Any], v: Value, op: str | None = None, shape: Any = (), **attrs: Any
) -> Any:
    """The value of a primitive of a kernel's value, by an object with the attributes of a node that its meaning reads."""
    like: Any = SimpleNamespace(
        op=op or v.kind, dtype=v.dtype, shape=shape, attrs=attrs, args=v.args
    )
    return PRIMITIVES[kind].evaluate(args, like)


__all__ = ["TooLarge", "run"]
