"""A LitServe application over ONNX Runtime: litserve_app.py MODEL PORT."""

import os
import sys

import litserve
import numpy as np
import onnxruntime

TYPES = {"tensor(float)": np.float32, "tensor(int32)": np.int32}


class Onnx(litserve.LitAPI):
    """Joins rows of requests, as `penstock serve` does."""

    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        self.session = onnxruntime.InferenceSession(
            sys.argv[1], options, providers=["CPUExecutionProvider"]
        )
        (self.input,) = self.session.get_inputs()

    def decode_request(self, request):
        return np.asarray(request["instances"], TYPES[self.input.type])[0]

    def predict(self, x):
        (found,) = self.session.run(None, {self.input.name: x})
        return found

    def encode_response(self, output):
        return {"predictions": [output.tolist()]}


if __name__ == "__main__":
    api = Onnx(max_batch_size=64, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
