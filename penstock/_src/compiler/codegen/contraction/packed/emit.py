"""The kernel of a product with packed weights: by rows of W, or as a product of panels."""

from penstock._src.compiler.codegen.contraction.products.choice import choose as choose_panels
from penstock._src.compiler.codegen.contraction.products.emit import emit as emit_panels
from penstock._src.compiler.codegen.kernel_code import (
    PLAIN,
    Epilogue,
    KernelCode,
    KernelStage,
    threads_of_cut,
)
from penstock._src.native import Code, Module, NamedCode, Target

from . import words
from .description import PackedProduct
from .groups import GroupsTask, scratch_bytes, tasks_of_rounding, write_rounding
from .matrices import MatrixGroupsSchedule, suits
from .matrices import choose as choose_matrices
from .matrices import write as write_matrices
from .rows import RowsSchedule, RowsTask, choose


def emit_packed_product(
    product: PackedProduct, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    cut_for = threads_of_cut(threads, epilogue, target)
    if product.few_rows:
        return _emit_rows(choose(product, target, cut_for), epilogue)
    if suits(product, target):
        return _emit_matrices(choose_matrices(product, target, threads, cut_for), epilogue)
    return emit_panels(choose_panels(product.gemm, target, threads, cut_for), epilogue)


def _emit_rows(schedule: RowsSchedule, epilogue: Epilogue) -> KernelCode:
    """The kernel of a schedule; x is rounded or arranged first."""
    stages = [KernelStage("task", lambda _: schedule.tasks)]
    room = 0
    if schedule.product.group:
        stages.insert(0, KernelStage("round", lambda _: tasks_of_rounding(schedule)))
        room = scratch_bytes(schedule)
    elif schedule.by_words:
        stages.insert(0, KernelStage("arrange", lambda _: words.tasks_of_arranging(schedule)))
        room = words.scratch_bytes(schedule)
    return KernelCode(
        code=NamedCode(schedule.target, lambda: _write(schedule, epilogue)),
        sizes=schedule.product.sizes,
        stages=lambda _: stages,
        scratch=lambda _: room,
        threads=1,
        partials=lambda _: (schedule.tasks, epilogue.partial_bytes),
        in_place=True,
        label=f"{schedule.product.right.format} rows {schedule.rows}x{schedule.chains}",
        facts={"cut": "columns", "nc": schedule.columns},
    )


def _emit_matrices(schedule: MatrixGroupsSchedule, epilogue: Epilogue) -> KernelCode:
    """The kernel of a schedule by matrix registers."""
    return KernelCode(
        code=NamedCode(schedule.target, lambda: write_matrices(schedule, epilogue)),
        sizes=schedule.product.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=schedule.threads,
        partials=lambda _: (schedule.tasks, epilogue.partial_bytes),
        in_place=True,
        label=f"{schedule.form.name} matrices of int8",
        facts=schedule.facts,
    )


def _write(schedule: RowsSchedule, epilogue: Epilogue) -> Code:
    module = Module(schedule.target)
    if schedule.product.group:
        with module.task("round") as f:
            write_rounding(f, schedule)
    elif schedule.by_words:
        with module.task("arrange") as f:
            words.write_arranging(f, schedule)
    kind = RowsTask
    if schedule.product.group:
        kind = GroupsTask
    elif schedule.by_words:
        kind = words.WordsTask
    with module.task("task") as f:
        kind(f, schedule, epilogue).write()
    return Code.of(module)
