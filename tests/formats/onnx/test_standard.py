"""One test of the standard for each operator; `make onnx` runs all of them."""

import pytest

from tests.formats.onnx import standard

pytest.importorskip("onnx")

# Held to the last bit by arithmetic in another order, or of formats that have no decoder (docs/onnx.md lists them).
APART = ("expanded", "image_decoder", "dft_inverse", "fp16", "bf16", "e8m0", *standard.RANDOM)


def _one_for_each_operator():
    chosen = {}
    for case in standard.cases():
        if not any(part in case.name for part in APART):
            nodes = case.proto.graph.node
            chosen.setdefault((nodes[-1].domain, nodes[-1].op_type), case)
    return chosen


@pytest.fixture(scope="module")
def chosen():
    return _one_for_each_operator()


def test_operators_give_the_standards_values(chosen):
    assert len(chosen) > 180
    failed = []
    for (_, operator), case in chosen.items():
        try:
            standard.run(case)
        except Exception as error:  # every operator is to be named
            failed.append(f"{operator}: {case.name}: {error}")
    assert not failed, "\n".join(failed)
