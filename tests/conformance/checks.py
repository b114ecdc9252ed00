"""`check(case, data)`: what a drawn call must satisfy; `data` draws layouts, and what is known of shapes.

1. the lowering, run by the NumPy interpreter, gives what the eager kernel gives;
2. so does the compiled program, for arrays of any layout, whatever the graph knows of shapes and values;
3. static shapes are compatible with the result;
4. gradients are those of differences along a direction (float64), and equal to compiled gradients;
5. gradients of gradients, too, of one call in ten.
"""

import numpy as np
from hypothesis import strategies as st

import penstock as tf
from penstock._src.compiler.compile import compile_graph
from penstock._src.core import registry
from penstock._src.core.composite import IndexedSlices
from tests.conformance.calling import call_on_variables
from tests.conformance.draws.state import StateCase
from tests.conformance.draws.values import LAYOUTS, laid_out
from tests.harness import op_case
from tests.harness.op_case import OpCase

# Whose gradients need shapes that are known, as TensorFlow's do.
OF_KNOWN_SHAPES = {"Qr", "ExtractVolumePatches"}
# Along a direction: rounding of the outputs over the step.
STEP, CLOSE, ROUNDING = 1e-6, 2e-5, 1e-8


def check(case, data):
    """Runs the comparisons. See the head of this file."""
    if isinstance(case, StateCase):
        check_state(case, data)
        return
    outputs = op_case.run_eagerly(case)
    cls = registry.find(case.op)
    if cls.has_lowering and case.lowers is not False:
        op_case.check_lowering(case, outputs)
    check_compiled(case, outputs, data)
    op_case.check_shapes(case, outputs)
    if case.gradient is not False and cls.has_gradient and cls.differentiable:
        check_gradients(case, data)


def check_compiled(case: OpCase, outputs, data):
    """Compares a graph whose shapes and values are known as drawn, on arrays laid out as drawn."""
    arrays = op_case.flat_inputs(case)
    shapes = [known_shape(a.shape, data) for a in arrays]
    held = data.draw(st.booleans())
    constants = {i for i, a in enumerate(arrays) if held and a.dtype.kind in "iub" and a.ndim < 2}
    fed = [a for i, a in enumerate(arrays) if i not in constants]
    fed = [laid_out(a, data.draw(LAYOUTS)) for a in fed]
    graph = op_case.graph_of(case, shapes, constants)
    found = compile_graph(graph, graph.inputs, graph.outputs)(fed)
    for i, (out, wanted) in enumerate(zip(found, outputs, strict=True)):
        op_case.compare(out, wanted, case.tolerance, f"{case} {shapes}: compiled output {i}")


def known_shape(shape, data):
    """Returns what a graph may know of a shape: all of it, all but one dimension, the rank, nothing."""
    known = data.draw(st.sampled_from(["all", "all", "most", "rank", "nothing"]))
    if known == "most" and shape:
        unknown = data.draw(st.integers(0, len(shape) - 1))
        return tuple(None if i == unknown else n for i, n in enumerate(shape))
    return {"rank": (None,) * len(shape), "nothing": None}.get(known, shape)


# -- gradients -------------------------------------------------------------------------------------


class Differentiated:
    """A call as a function of its inputs of floats: `total` of weighted outputs, and its gradient."""

    def __init__(self, case, seed):
        self.case = case
        self.inputs = op_case.tensors_of(case)
        flat = tf.nest.flatten(self.inputs)
        chosen = case.gradient if isinstance(case.gradient, tuple) else range(len(flat))
        self.places = [i for i in chosen if is_smooth(flat[i].dtype)]
        self.sources = [flat[i] for i in self.places]
        self.random = np.random.default_rng(seed)
        outputs = self.outputs(*self.sources)
        self.weights = [self.direction(out) for out in outputs]

    def outputs(self, *sources):
        """Returns the outputs of floats."""
        flat = tf.nest.flatten(self.inputs)
        for i, value in zip(self.places, sources, strict=True):
            flat[i] = value
        outputs = op_case.flat(op_case.call(self.case, op_case.regrouped(self.case, flat)))
        return [out for out in outputs if is_smooth(out.dtype)]

    def direction(self, tensor):
        """Returns random numbers of the shape and type of a tensor."""
        kind = tensor.dtype.as_numpy_dtype
        return op_case.draw(self.random, tensor.shape.as_list(), np.dtype(kind))

    def total(self, *sources):
        """Returns the sum of the outputs times their weights, as a number, and its size without signs."""
        parts = [
            np.real(out.numpy().astype(w.dtype) * np.conj(w)).astype(np.float64)
            for out, w in zip(self.outputs(*sources), self.weights, strict=True)
        ]
        return sum(p.sum() for p in parts), sum(np.abs(p).sum() for p in parts)

    def gradient(self, *sources):
        """Returns the gradient of the total for each source, None where there is none."""
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = self.outputs(*sources)
        weights = [tf.constant(w) for w in self.weights]
        found = tape.gradient(outputs, sources, output_gradients=weights)
        return [tf.convert_to_tensor(g) if isinstance(g, IndexedSlices) else g for g in found]

    def second(self, *sources):
        """Returns the gradient of the gradients' sum along fixed directions."""
        with tf.GradientTape() as tape:
            tape.watch(sources)
            found = self.gradient(*sources)
        parts = [
            (g, tf.constant(v)) for g, v in zip(found, self.along, strict=True) if g is not None
        ]
        if not parts:
            return [None] * len(sources)
        made, weights = zip(*parts, strict=True)
        made = tape.gradient(list(made), sources, output_gradients=list(weights))
        return [tf.convert_to_tensor(g) if isinstance(g, IndexedSlices) else g for g in made]


def is_smooth(dtype):
    return dtype.is_floating or dtype.is_complex


def is_exact(case):
    """Whether differences of outputs tell gradients: all floats among the inputs have 64 bits."""
    return all(
        a.dtype.kind not in "fcV" or a.real.dtype == np.float64 for a in op_case.flat_inputs(case)
    )


def check_gradients(case, data):
    """Compares gradients with differences, and with those that are compiled; of some calls the second, too."""
    call = Differentiated(case, data.draw(st.integers(0, 99)))
    if not call.sources or not call.weights or not any(w.size for w in call.weights):
        return
    found = call.gradient(*call.sources)
    check_compiled_gradients(call, call.gradient, found, data)
    if not is_exact(case):
        return
    compare_along(call, lambda s: call.total(*s), found, f"{case}: gradient")
    if data.draw(st.integers(0, 9)) == 0 and any(g is not None for g in found):
        check_second(call, data)


def check_compiled_gradients(call, function, wanted, data):
    """Compares gradients of a compiled function of the sources, whose shapes it knows as drawn."""
    known = call.case.op in OF_KNOWN_SHAPES
    shapes = [t.shape if known else known_shape(tuple(t.shape), data) for t in call.sources]
    specs = [tf.TensorSpec(s, t.dtype) for s, t in zip(shapes, call.sources, strict=True)]
    # None cannot leave a function as a tensor; that there is none must not depend on tracing.
    present = [g is not None for g in wanted]

    def traced(*sources):
        found = function(*sources)
        assert [g is not None for g in found] == present, f"{call.case}: gradients that are None"
        return [g for g in found if g is not None]

    compiled = tf.function(traced, input_signature=specs, autograph=False)
    found = iter(compiled(*[laid_out(t.numpy(), data.draw(LAYOUTS)) for t in call.sources]))
    for i, gradient in enumerate(wanted):
        if gradient is not None:
            what = f"{call.case} {specs}: compiled gradient {i}"
            made, eager = next(found).numpy(), gradient.numpy()
            scale = float(np.max(np.abs(eager.astype(complex)), initial=1)) if eager.size else 1
            rtol, atol = call.case.tolerance or op_case.TOLERANCE.get(eager.dtype, op_case.HALF)
            op_case.compare(made, eager, (rtol * 10, atol * 10 * scale), what)


def check_second(call, data):
    """Compares the gradient of the gradient along a direction."""
    call.along = [call.direction(t) for t in call.sources]
    try:
        found = call.second(*call.sources)
    except LookupError:  # a gradient that has none
        return

    def total(sources):
        parts = [
            np.real(g.numpy() * np.conj(v))
            for g, v in zip(call.gradient(*sources), call.along, strict=True)
            if g is not None
        ]
        return sum(p.sum() for p in parts), sum(np.abs(p).sum() for p in parts)

    compare_along(call, total, found, f"{call.case}: second gradient")
    check_compiled_gradients(call, call.second, found, data)


def compare_along(call, total, found, what):
    """Asserts that gradients tell how `total` changes along a random direction, of one source after the other.

    Where the first direction crosses an edge, another, with a smaller step, must not.
    """
    for i, source in enumerate(call.sources):
        if not source.shape.num_elements():
            continue
        gradient = np.zeros(source.shape) if found[i] is None else found[i].numpy()
        for step in (STEP, STEP / 8, STEP / 32):
            along = call.direction(source)
            ends = []
            for sign in (1, -1):
                moved = list(call.sources)
                moved[i] = tf.constant(
                    source.numpy() + np.asarray(sign * step * along, along.dtype)
                )
                ends.append(total(moved))
            wanted = (ends[0][0] - ends[1][0]) / (2 * step)
            terms = np.real(gradient * np.conj(along))
            size = np.abs(terms).sum()
            if (
                abs(terms.sum() - wanted)
                <= CLOSE * (size + 1e-3) + ROUNDING * 1e-6 / step * ends[0][1]
            ):
                break
        else:
            raise AssertionError(f"{what} of source {i}: {terms.sum()}, differences give {wanted}")


# -- state -----------------------------------------------------------------------------------------


def check_state(case: StateCase, data):
    """Compares outputs and variables after a call, compiled and eager, twice one after the other."""
    arguments = (tf, case.op, case.variables, case.inputs, case.attrs)
    wanted = call_on_variables(*arguments, lambda function: function)
    found = call_on_variables(
        *arguments,
        lambda f: tf.function(f, autograph=False, reduce_retracing=data.draw(st.booleans())),
    )
    for i, (made, eager) in enumerate(zip(found, wanted, strict=True)):
        op_case.compare(made, eager, case.tolerance, f"{case.op}: compiled result {i}")
