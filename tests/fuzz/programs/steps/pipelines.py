"""What kernels are fused from: a contraction, movements, functions of elements and a reduction, each of the last."""

from tests.fuzz.programs.drawing import Rejected
from tests.fuzz.programs.steps import STEPS, step

CONTRACTIONS = (
    "product",
    "product",
    "dense",
    "einsum",
    "conv2d",
    "gram",
    "product_of_two",
    "conv1d",
    "pooled",
)
MOVEMENTS = ("reshaped", "reshaped", "merged_axes", "merged_axes", "expanded", "split_axis", "split_axis", "expanded", "transposed", "sliced", "squeezed",
             "broadcast", "padded", "joined", "cut_in_parts", "as_image")  # fmt: skip
RESHAPES = ("reshaped", "merged_axes", "split_axis", "expanded", "squeezed")
ELEMENTS = ("unary", "unary", "binary", "binary", "binary", "converted", "selected")
REDUCTIONS = (*["reduced"] * 8, "less_its_reduction", "less_its_reduction", "softmax", "best", "normalized",
              "squared_error", "squared_error", "counted", "losses", "layer_norm")  # fmt: skip
ORDERS = (
    (CONTRACTIONS, MOVEMENTS, ELEMENTS, REDUCTIONS),
    (CONTRACTIONS, RESHAPES, ELEMENTS, REDUCTIONS),
    (CONTRACTIONS, ELEMENTS, RESHAPES, REDUCTIONS),
    (CONTRACTIONS, MOVEMENTS, ELEMENTS, ELEMENTS, REDUCTIONS),
    (CONTRACTIONS, ELEMENTS, MOVEMENTS, ELEMENTS, REDUCTIONS),
    (REDUCTIONS, MOVEMENTS, ELEMENTS, CONTRACTIONS),
    (ELEMENTS, MOVEMENTS, CONTRACTIONS, MOVEMENTS, REDUCTIONS, ELEMENTS),
    (CONTRACTIONS, MOVEMENTS, CONTRACTIONS, MOVEMENTS, REDUCTIONS),
    (MOVEMENTS, REDUCTIONS, MOVEMENTS, REDUCTIONS),
    (CONTRACTIONS, ELEMENTS, REDUCTIONS, ELEMENTS, CONTRACTIONS),
)


@step(20.0)
def pipeline(scope):
    made = 0
    for names in scope.choose(ORDERS):
        try:
            STEPS[scope.choose(names)].draw(scope)
            made += 1
        except Rejected:
            continue
        scope.focus = scope.values[-1]
    scope.focus = None
    if not made:
        raise Rejected
