"""Unpacks packed weights into memory and rounds rows by groups, where no product absorbs these steps.

A task has some blocks, or groups. Context: input, output, total number of blocks, blocks per task.
"""

from collections.abc import Sequence

from penstock._src.compiler.codegen.scalars.packed_blocks import unpacked
from penstock._src.compiler.codegen.scalars.rounded_groups import load_group
from penstock._src.compiler.codegen.specials.special import TASK, SpecialLaunch
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.packed import FORMATS
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import F32, I64, PTR

MOST_LANES = 16  # elements of the shortest run


def launch(node: Node, _outputs: Sequence[Node], _target: Target, _threads: int) -> SpecialLaunch:
    """The launch that unpacks rows of blocks."""
    (x,), form = node.args, FORMATS[node.attrs["format"]]
    blocks = dims.settled(node.size) // form.block
    per = max(1, TASK // form.block)
    return SpecialLaunch(
        ("unpack", form.name), lambda target: emit_unpack(form.name, target), -(-blocks // per),
        (x, node, blocks, per), f"unpack {form.name}[{blocks}]",
    )  # fmt: skip


def emit_unpack(name: str, target: Target) -> Code:
    """A block after the other."""
    m, form = Module(target), FORMATS[name]
    lanes = min(target.lanes(F32), MOST_LANES)
    with m.task("task") as f:
        source, output = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        blocks, per = f.load(f.ctx, 2, I64), f.load(f.ctx, 3, I64)
        low = f.task * per

        def one(i):
            for first, v in unpacked(f, f.at(source, i * form.size), form, lanes):
                f.store(v, output, i * form.block + first)

        f.loop(low, f.min(low + per, blocks), 1, one)
    return Code.of(m)


def launch_groups(
    node: Node, _outputs: Sequence[Node], _target: Target, _threads: int
) -> SpecialLaunch:
    """The launch that rounds rows by groups."""
    (x,), size = node.args, node.attrs["size"]
    groups = dims.settled(node.size) // size
    per = max(1, TASK // size)
    return SpecialLaunch(
        ("round_groups", size), lambda target: emit_groups(size, target), -(-groups // per),
        (x, node, groups, per), f"round groups[{groups}]",
    )  # fmt: skip


def emit_groups(size: int, target: Target) -> Code:
    """A group after the other."""
    m = Module(target)
    with m.task("task") as f:
        source, output = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        groups, per = f.load(f.ctx, 2, I64), f.load(f.ctx, 3, I64)
        low = f.task * per

        def one(i):
            numbers, scale = load_group(f, f.at(source, i * size, F32), size)
            for j, q in enumerate(numbers):
                f.store(q * scale, output, i * size + j * target.lanes(F32))

        f.loop(low, f.min(low + per, groups), 1, one)
    return Code.of(m)
