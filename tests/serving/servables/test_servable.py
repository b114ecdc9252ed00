"""Which functions have batches."""

import pytest

from penstock._src.core import dtypes
from penstock._src.saving.saved_model.constants import (
    CLASSIFY_METHOD_NAME,
    PREDICT_METHOD_NAME,
    REGRESS_METHOD_NAME,
)
from penstock._src.serving.servables.servable import Signature, TensorInfo


@pytest.mark.parametrize(
    "inputs, outputs, method, expected",
    [
        ([(None, 3)], [(None,)], PREDICT_METHOD_NAME, True),
        ([(None, 3), (None,)], [None, (None, 2)], PREDICT_METHOD_NAME, True),
        ([None], [(None,)], PREDICT_METHOD_NAME, False),
        ([(None, 3), None], [(None,)], PREDICT_METHOD_NAME, False),
        ([None], [None], CLASSIFY_METHOD_NAME, True),
        ([None], [(None, 1)], REGRESS_METHOD_NAME, True),
        ([()], [(None,)], PREDICT_METHOD_NAME, False),
        ([(2,)], [(None,)], PREDICT_METHOD_NAME, False),
        ([(None,)], [()], PREDICT_METHOD_NAME, False),
        ([], [(None,)], PREDICT_METHOD_NAME, False),
    ],
)
def test_batches_need_rows_in_all_inputs_and_outputs(inputs, outputs, method, expected):
    def infos(shapes):
        return {str(i): TensorInfo(dtypes.float32, shape) for i, shape in enumerate(shapes)}

    signature = Signature("f", method, infos(inputs), infos(outputs), list)
    assert signature.is_batched == expected
