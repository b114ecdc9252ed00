"""Calls of ops that make random numbers, of one seed each."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.state import StateCase
from tests.conformance.draws.values import INDEX, SEED, SOME, drawn, numbers, shapes, types
from tests.harness.op_case import OpCase

DRAWS = {}
PHILOX = np.int32(1)
WHOLE = np.int64(1) << np.int64(40)


def _shape(draw):
    return np.array(draw(shapes()), draw(INDEX))


def _seed(draw):
    return np.array([draw(SEED), draw(SEED)], draw(INDEX))


def _key(draw):
    """The inputs `key`, `counter` and `alg`."""
    random = np.random.default_rng(draw(SEED))
    return [random.integers(0, WHOLE, n).astype(np.uint64) for n in (1, 2)] + [PHILOX]


def _ends(draw, kind):
    low = np.array(draw(st.integers(0, 5))).astype(kind)
    return [low, np.array(int(low) + draw(st.integers(1, 90))).astype(kind)]


@st.composite
def _of_seed(draw, op, keyed, whole):
    kind = np.dtype(draw(types(op, "dtype")))
    inputs = [_shape(draw), *(_key(draw) if keyed else [_seed(draw)])]
    return OpCase(
        op, inputs + (_ends(draw, kind) if whole else []), {} if whole else {"dtype": kind.name}
    )


for (
    _op
) in "RandomUniform RandomNormal TruncatedNormal RandomUniformFullInt RandomUniformInt".split():
    _whole = _op == "RandomUniformInt"
    DRAWS[f"Stateless{_op}"] = _of_seed(f"Stateless{_op}", False, _whole)
    DRAWS[f"Stateless{_op}V2"] = _of_seed(f"Stateless{_op}V2", True, _whole)
for _op in ("StatelessRandomGetKeyCounter", "StatelessRandomGetKeyCounterAlg"):
    DRAWS[_op] = st.builds(
        lambda a, b, kind, op=_op: OpCase(op, [np.array([a, b], kind)]), SEED, SEED, INDEX
    )
DRAWS["StatelessRandomGetAlg"] = st.just(OpCase("StatelessRandomGetAlg", []))


@drawn(DRAWS)
def StatelessMultinomial(draw):
    shape = draw(shapes(2, 2, SOME))
    logits = numbers(draw(SEED), (min(shape[0], 40), shape[1]), draw(types("StatelessMultinomial")))
    kind = draw(INDEX).__name__
    inputs = [logits, np.int32(draw(st.integers(0, 40))), _seed(draw)]
    return OpCase("StatelessMultinomial", inputs, {"output_dtype": kind})


@st.composite
def _of_state(draw, op):
    """Of an op that goes on from call to call."""
    whole = op == "RandomUniformInt"
    kind = np.dtype(draw(types(op, "Tout" if whole else "dtype")))
    seeds = {"seed": draw(SEED) + 1, "seed2": draw(SEED)}
    inputs = [_shape(draw), *(_ends(draw, kind) if whole else [])]
    return StateCase(op, [], inputs, seeds if whole else {**seeds, "dtype": kind.name})


for _op in "RandomUniform RandomStandardNormal TruncatedNormal RandomUniformInt".split():
    DRAWS[_op] = _of_state(_op)


@drawn(DRAWS)
def Multinomial(draw):
    case = draw(DRAWS["StatelessMultinomial"])
    seeds = {"seed": draw(SEED) + 1, "seed2": draw(SEED)}
    return StateCase("Multinomial", [], case.inputs[:2], {**case.attrs, **seeds})


@st.composite
def _gamma(draw, op):
    kind = np.dtype(draw(types(op, "T" if op == "RandomGamma" else "dtype")))
    alpha = numbers(draw(SEED), draw(st.sampled_from([(), (3,), (2, 1)])), kind, 0.3, 4)
    each = np.array(draw(st.sampled_from([(), (5,), (3, 7)])), np.int32)
    if op == "RandomGamma":
        return StateCase(op, [], [each, alpha], {"seed": draw(SEED) + 1, "seed2": draw(SEED)})
    seeds = _key(draw) if op.endswith("V3") else [_seed(draw)]
    whole = np.array([*each, *alpha.shape], np.int32)
    # Numbers that are rejected or not by alpha have no differences.
    return OpCase(op, [whole, *seeds, alpha], gradient=False)


for _op in ("RandomGamma", "StatelessRandomGammaV2", "StatelessRandomGammaV3"):
    DRAWS[_op] = _gamma(_op)


@st.composite
def _poisson(draw, op):
    kind = np.dtype(draw(types(op, "R" if op == "RandomPoissonV2" else "Rtype")))
    rates = numbers(draw(SEED), draw(st.sampled_from([(), (3,), (2, 1)])), np.float64, 0.3, 30)
    rates = rates.astype(kind)
    each = np.array(draw(st.sampled_from([(), (5,), (3, 7)])), np.int32)
    attrs = {"dtype": np.dtype(draw(types(op, "dtype"))).name}
    if op == "RandomPoissonV2":
        return StateCase(
            op, [], [each, rates], {"seed": draw(SEED) + 1, "seed2": draw(SEED), **attrs}
        )
    whole = np.array([*each, *rates.shape], np.int32)
    return OpCase(op, [whole, _seed(draw), rates], attrs)


for _op in ("RandomPoissonV2", "StatelessRandomPoisson"):
    DRAWS[_op] = _poisson(_op)


@drawn(DRAWS)
def StatelessRandomBinomial(draw):
    op = "StatelessRandomBinomial"
    kind = np.dtype(draw(types(op, "T")))
    counts = np.array(draw(st.sampled_from([1, 5, 30, 100]))).astype(kind)
    chances = np.array(draw(st.sampled_from([0, 1] if kind.kind == "i" else [0.1, 0.5, 0.8])))
    shape = np.array(draw(st.sampled_from([(), (5,), (3, 7)])), np.int32)
    attrs = {"dtype": np.dtype(draw(types(op, "dtype"))).name}
    return OpCase(op, [shape, _seed(draw), counts, chances.astype(kind)], attrs)


@st.composite
def _of_generator(draw, op):
    """Of an op on the state of a generator."""
    state = np.random.default_rng(draw(SEED)).integers(0, WHOLE, 3)
    inputs = [np.int64(1)]
    if op == "RngSkip":
        return StateCase(op, [state], [*inputs, np.int64(draw(st.integers(0, WHOLE)))])
    inputs.append(_shape(draw))
    if op == "StatefulUniformInt":
        return StateCase(op, [state], inputs + _ends(draw, draw(INDEX)))
    if op == "StatefulRandomBinomial":
        each = np.array(draw(st.sampled_from([(), (5,), (3, 7)])), np.int32)
        inputs = [inputs[0], each, np.float64(draw(st.sampled_from([1, 30]))), np.float64(0.4)]
    kind = (
        "int64" if op == "StatefulUniformFullInt" else draw(st.sampled_from(["float32", "float64"]))
    )
    return StateCase(op, [state], inputs, {"dtype": kind})


for (
    _op
) in "Uniform UniformFullInt UniformInt StandardNormalV2 TruncatedNormal RandomBinomial".split():
    DRAWS[f"Stateful{_op}"] = _of_generator(f"Stateful{_op}")
DRAWS["RngSkip"] = _of_generator("RngSkip")
