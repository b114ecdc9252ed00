"""The strategies of calls of all ops, by name."""

from tests.conformance.draws import (
    diagonals,
    elementwise,
    images,
    indexing,
    linalg,
    movement,
    networks,
    packed,
    random_ops,
    reductions,
    shape_ops,
    slices,
    state,
    windows,
)

DRAWS = {
    op: strategy
    for family in (
        diagonals,
        elementwise,
        images,
        indexing,
        linalg,
        movement,
        networks,
        packed,
        random_ops,
        reductions,
        shape_ops,
        slices,
        state,
        windows,
    )
    for op, strategy in family.DRAWS.items()
}
