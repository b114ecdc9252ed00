"""Moves work on rows out of loops, for arrays whose row t (or the t-th from the end) is read or written by step t.

    hoisted    a product of a row with a loop-invariant value             -> one product of all rows before the loop
    stacked    rows that are all written                                 -> no first value is needed
    settled    a stack of products with a loop-invariant value            -> a stack of the operands, one product after the loop
    summed     a sum over the steps of products of two values            -> stacks of both, one product after the loop

Before: for t: h = f(x[t] w + h u); dw += x[t]' dz      After: y = x w; for t: h = f(y[t] + h u), z[t] = dz; dw = x' z
"""

from typing import Any

from penstock._src.compiler.passes.loops.counters import affine, is_within, normal_form
from penstock._src.compiler.passes.loops.loop import CarriedState, OpenLoop
from penstock._src.ir.extents.dims import is_one
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import split_spec
from penstock._src.ir.rules import pattern as m
from penstock._src.util.dataclass import dataclass

# Most bytes of an array with a row for each step that is made to move work out of the loop.
MOST_BYTES = 1 << 28
MOST_ADDENDS = 8


@dataclass(frozen=True)
class Order:
    """The order of rows: step t reads row t, or row steps - 1 - t."""

    backwards: bool

    def place(self, loop: OpenLoop) -> Node:
        """The number of the row."""
        assert loop.counter is not None
        if self.backwards:
            return normal_form(loop, -1, loop.trips - 1)
        return normal_form(loop, 1, 0)


def move_rows_out(loop: OpenLoop, used: list[int]) -> None:
    """Moves work on rows out of a loop with a known number of steps; one without any has no rows."""
    if loop.trips != 0:
        RowMover(loop).rewrite(used)


class RowMover:
    """The rows of one loop."""

    def __init__(self, loop: OpenLoop) -> None:
        self.loop, self.p = loop, loop.p
        self.users = loop.users()
        self.stacks: dict[tuple[int, Order], CarriedState] = {}  # by the stacked value

    def rewrite(self, used: list[int]) -> None:
        self.hoist()
        # Hoisting has replaced nodes, so that their users are others.
        self.users = self.loop.users()
        live = self.loop.live(used)
        stacked = [(s, stack) for s in live if s.final is None and (stack := self.stacked(s))]
        for state, (value, order, added) in stacked:
            if not added:
                state.unread = True
                self.stacks[value.id, order] = state
        self.merge_equal_states(live)
        for state, (value, order, added) in stacked:
            self.settle(state, value, order, added)
        for state in live:
            if state.final is None and id(state) not in {id(s) for s, _ in stacked}:
                self.sum_up(state)

    def merge_equal_states(self, live: list[CarriedState]) -> None:
        """A state that no step reads, and that equals another one up to its shape, need not be carried beside it."""
        # Without a step the states keep their initial values, which may differ.
        if self.loop.trips < 1:
            return
        known: dict[int, CarriedState] = {}
        # States that a step reads come first: they must be carried anyway.
        for state in sorted(live, key=lambda s: not self.users.get(s.parameter.id)):
            equal = known.setdefault(without_reshapes(state.result).id, state)
            read = self.users.get(state.parameter.id)
            if equal is not state and not read and state.final is None and equal.final is None:
                state.final = self.p.reshape(self.loop.placeholder(equal), state.init.shape)

    # -- before the loop
    def hoist(self) -> None:
        """Hoists products of rows with loop-invariant values."""
        known = {}
        for node in self.loop.nodes():
            if node.kind != "contract" or self.loop.is_invariant(node):
                continue
            for side in (0, 1):
                row = self.row(node.args[side])
                if row is not None and self.loop.is_invariant(node.args[1 - side]):
                    array, order = row
                    if self.fits(node):
                        known[node.id] = self.row_of_all(node, side, array, order)
                    break
        self.loop.replace(known)

    def row_of_all(self, node: Node, side: int, array: Node, order: Order) -> Node:
        """The row of the product of all rows."""
        p, operands = self.p, list(node.args)
        operands[side] = p.reshape(array, (self.loop.trips, *node.args[side].shape))
        whole = p.contract_again(node, with_step(node.attrs["spec"], (side,), True), *operands)
        with p.deeper():
            return p.dynamic_index(whole, order.place(self.loop))

    def row(self, node: Node) -> tuple[Node, Order] | None:
        """(array, order) if a node is a row of an array of outside, in any shape."""
        while node.kind == "reshape":
            node = node.args[0]
        if node.kind != "dynamic_slice" or not self.loop.is_invariant(node.args[0]):
            return None
        order = self.order(node.args[0].shape, node.shape, node.args[1:])
        return None if order is None else (node.args[0], order)

    def order(self, whole: tuple, block: tuple, starts: Any) -> Order | None:
        """The order in which blocks at `starts` visit the rows of an array, each once; None if they do not."""
        # One row for each step, no more and no fewer: otherwise a row would be left or written twice.
        if not whole or not is_one(block[0]) or whole[0] != self.loop.trips:
            return None
        if list(whole[1:]) != list(block[1:]):
            return None
        place = affine(self.loop, starts[0])
        if place is None or not is_within(self.loop, place, whole[0]):
            return None
        if place[0] in (1, -1):
            return Order(place[0] == -1)
        return None

    def fits(self, node: Node) -> bool:
        """True if a row for each step does not take too much memory."""
        return self.loop.trips * node.size * node.dtype.size <= MOST_BYTES

    # -- after the loop
    def stacked(self, state: CarriedState) -> tuple[Node, Order, bool] | None:
        """(value, order, True if it is added) if each step writes one row of a state and does not read it otherwise."""
        result, parameter = state.result, state.parameter
        if result.kind != "dynamic_update_slice" or result.args[0] is not parameter:
            return None
        # Only the next step reads its value.
        if self.users[result.id] != [None]:
            return None
        _, update, *starts = result.args
        order = self.order(result.shape, update.shape, starts)
        if order is None:
            return None
        takers = [u for u in self.users[parameter.id] if u is not result]
        if not takers:
            return without_reshapes(update), order, False
        if len(takers) == 1 and update.kind == "binary" and update.op == "add":
            (old,) = takers
            if old.kind == "dynamic_slice" and old.args[1:] == result.args[2:]:
                rest = [a for a in update.args if a is not old]
                if len(rest) == 1 and self.users[old.id] == [update]:
                    return without_reshapes(rest[0]), order, True
        return None

    def settle(self, state: CarriedState, value: Node, order: Order, added: bool) -> None:
        """The final value of a state whose rows are written, if it can be computed without carrying it."""
        rows = self.known_rows(value, order, (state.result, state.result.args[1]))
        if rows is None and not added:
            return
        if rows is None:
            if not self.fits(value):
                return
            rows = self.rows(value, order)
        rows = self.p.reshape(rows, state.init.shape)
        if added and not m.is_number(state.init, 0):
            rows = self.p.add(state.init, rows)
        state.final = rows

    def known_rows(self, value: Node, order: Order, takers: tuple = ()) -> Node | None:
        """The values of a node in all steps, as rows of one array that needs no carried stack; None if it needs one."""
        p, loop, steps = self.p, self.loop, self.loop.trips
        if loop.is_invariant(value):
            return p.broadcast_to(value, (steps, *value.shape))
        place = affine(loop, value)
        if place is not None:
            return self.numbers(value, place, order)
        row = self.row(value)
        if row is not None:
            array, other = row
            array = p.reshape(array, (steps, *value.shape))
            return array if other == order else p.reverse(array, [0])
        if value.kind == "reshape":
            source_rows = self.known_rows(value.args[0], order, takers)
            return None if source_rows is None else p.reshape(source_rows, (steps, *value.shape))
        if value.kind == "contract" and self.only_for(value, takers):
            return self.product_rows(value, order)
        return None

    def numbers(self, value: Node, place: Any, order: Order) -> Node:
        """The rows of a * t + b."""
        p, (a, b), steps = self.p, place, self.loop.trips
        if order.backwards:
            a, b = -a, b + (steps - 1) * a
        rows = p.iota((steps, *value.shape), 0, value.dtype)
        return rows * p.scalar(a, value.dtype) + p.scalar(b, value.dtype)

    def only_for(self, value: Node, takers: tuple) -> bool:
        """True if only the nodes that write rows read a value, through reshapes."""
        for user in self.users[value.id]:
            if user is None:
                return False
            # A reader other than the writes would keep the product in the loop, beside the one made of all rows.
            if user not in takers and not (user.kind == "reshape" and self.only_for(user, takers)):
                return False
        return True

    def product_rows(self, node: Node, order: Order) -> Node | None:
        """The rows of products with a loop-invariant value, from rows of the other operand."""
        for side in (0, 1):
            value, other = node.args[side], node.args[1 - side]
            if self.loop.is_invariant(other) and self.fits(value) and self.fits(node):
                operands = [other, other]
                operands[side] = self.rows(value, order)
                return self.p.contract_again(
                    node, with_step(node.attrs["spec"], (side,), True), *operands
                )
        return None

    def rows(self, value: Node, order: Order) -> Node:
        """The values of all steps as rows of one array, which becomes a state of the loop if no state holds them yet."""
        rows_known = self.known_rows(value, order)
        if rows_known is not None:
            return rows_known
        value, shape = without_reshapes(value), (self.loop.trips, *value.shape)
        state = self.stacks.get((value.id, order))
        if state is None:
            whole = (self.loop.trips, *value.shape)
            p, place = self.p, order.place(self.loop)
            state = self.loop.add_state(
                p.full(whole, 0, value.dtype), lambda x: p.dynamic_set_index(x, place, value)
            )
            state.unread = True
            self.stacks[value.id, order] = state
        return self.p.reshape(self.loop.placeholder(state), shape)

    # -- sums over the steps
    def sum_up(self, state: CarriedState) -> None:
        """The final value of a state to which every step adds products or sums that can be computed over all steps at once."""
        if len(self.users.get(state.parameter.id, ())) != 1:
            return
        addends = self.addends(state)
        if addends is None or not all(self.can_sum(a) for a in addends):
            return
        total = state.init
        for addend in addends:
            summed = self.sum_of(addend)
            total = summed if m.is_number(total, 0) else self.p.add(total, summed)
        state.final = total

    def addends(self, state: CarriedState) -> list[Node] | None:
        """The values that a step adds to a state, if it does nothing else with the state; else None."""
        node, addends = state.result, list[Node]()
        if self.users[node.id] != [None]:
            return None
        sums = self._sums_with(state.parameter)
        while node is not state.parameter:
            if node.id not in sums or len(addends) == MOST_ADDENDS:
                return None
            left, right = node.args
            deeper = left if left.id in sums else right
            addends.append(right if deeper is left else left)
            if deeper is not state.parameter and len(self.users[deeper.id]) != 1:
                return None
            node = deeper
        return addends or None

    def _sums_with(self, parameter: Node) -> set[int]:
        """The ids of a parameter and of the sums that contain it as a term."""
        found, pending = {parameter.id}, [parameter]
        while pending:
            for user in self.users.get(pending.pop().id, ()):
                is_sum = user is not None and user.kind == "binary" and user.op == "add"
                if is_sum and user.id not in found:
                    found.add(user.id)
                    pending.append(user)
        return found

    def can_sum(self, node: Node) -> bool:
        """True if the sum of a value over all steps is less work than adding it in every step."""
        if node.kind == "contract":
            varying = [a for a in node.args if not self.loop.is_invariant(a)]
            return len(varying) == 2 and all(self.fits(a) for a in varying)
        return node.kind == "reduce" and node.op == "sum" and self.fits(node.args[0])

    def sum_of(self, node: Node) -> Node:
        """The sum of a value over all steps."""
        if node.kind == "reduce":
            rows = self.rows(node.args[0], self.best_order(node))
            return self.p.reduce_sum(rows, [0, *[a + 1 for a in node.attrs["axes"]]])
        order = self.best_order(node)
        left, right = (self.rows(a, order) for a in node.args)
        return self.p.contract_again(
            node, with_step(node.attrs["spec"], (0, 1), False), left, right
        )

    def best_order(self, node: Node) -> Order:
        """The order in which an argument's rows lie already."""
        for arg in node.args:
            row = self.row(arg)
            if row is not None:
                return row[1]
        for arg in node.args:
            for backwards in (False, True):
                if (without_reshapes(arg).id, Order(backwards)) in self.stacks:
                    return Order(backwards)
        return next((order for _, order in self.stacks), Order(False))


def without_reshapes(node: Node) -> Node:
    """A value without reshapes around it."""
    while node.kind == "reshape":
        node = node.args[0]
    return node


def with_step(spec: str, sides: tuple[int, ...], kept: bool) -> str:
    """An einsum over the steps as well: a first letter for some operands, and for the result if it is `kept`."""
    left, right, result = split_spec(spec)
    letter = next(c for c in "tuvwxyzabcdefghijklmnopqrs" if c not in left + right + result)
    operands = [left, right]
    for side in sides:
        operands[side] = letter + operands[side]
    return f"{operands[0]},{operands[1]}->{letter if kept else ''}{result}"


__all__ = ["Order", "RowMover", "move_rows_out"]
