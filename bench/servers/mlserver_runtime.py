"""An MLServer runtime over ONNX Runtime; MLServer joins requests."""

import os

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

TYPES = {"tensor(float)": np.float32, "tensor(int32)": np.int32}


class OnnxRuntime(MLModel):
    """The model of the settings' URI."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        path = self.settings.parameters.uri
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        (self.input,) = self.session.get_inputs()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        x = NumpyCodec.decode_input(payload.inputs[0]).astype(TYPES[self.input.type], copy=False)
        (found,) = self.session.run(None, {self.input.name: x})
        outputs = [NumpyCodec.encode_output("y", found)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
