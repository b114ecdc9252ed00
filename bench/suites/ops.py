"""Single operations, by function and eagerly, beside TensorFlow's."""

import functools
import sys

from operations import FAMILIES, cases_of

TITLE = "Operations"
NOTE = (
    "Microseconds of a call of one operation, or of the few that a public function is made of, in a `tf.function` "
    "and eagerly. Their sizes are in `bench/operations`. An operation that fails has no figure."
)
BACKENDS = ["penstock", "tensorflow"]
CASES = FAMILIES
LOWER = {"function_us", "eager_us"}
LISTS_BEHIND = True
SECONDS = 0.15  # of calls that are timed


def measure(case, backend):
    """Times each operation of a family: {"operation|figure": microseconds}."""
    import numpy as np
    import tensorflow as tf
    from clock import best_of_short

    figures = {}
    for name, (function, arrays) in cases_of(case, tf, np.random.default_rng(3)).items():
        given = [tf.constant(x) for x in arrays]
        for figure, call in (("function_us", tf.function(function)), ("eager_us", function)):
            once = functools.partial(call, *given)
            try:
                figures[f"{name}|{figure}"] = 1e6 * best_of_short(once, SECONDS)
            except Exception as error:
                print(f"{name} {figure}: {error}", file=sys.stderr)
    return figures


def rows(case, figures):
    """Returns {"family: operation": its figures}."""
    found = {}
    for key, value in figures.items():
        name, _, figure = key.partition("|")
        if figure:
            found.setdefault(f"{case}: {name}", {})[figure] = value
    return found
