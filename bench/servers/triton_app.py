"""Triton (nvidia-pytriton) over ONNX Runtime: triton_app.py MODEL PORT."""

import os
import sys

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

TYPES = {"tensor(float)": np.float32, "tensor(int32)": np.int32}


def main(path, port):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,), (made,) = session.get_inputs(), session.get_outputs()

    @batch
    def infer(x):
        (found,) = session.run(None, {given.name: x})
        return {"y": found}

    config = ModelConfig(
        max_batch_size=64, batcher=DynamicBatcher(max_queue_delay_microseconds=2000)
    )
    with Triton(config=TritonConfig(http_address="127.0.0.1", http_port=port, allow_grpc=False, allow_metrics=False)) as triton:  # fmt: skip
        triton.bind(
            model_name="model",
            infer_func=infer,
            inputs=[Tensor(name="x", dtype=TYPES[given.type], shape=tuple(given.shape[1:]))],
            outputs=[Tensor(name="y", dtype=np.float32, shape=tuple(made.shape[1:]))],
            config=config,
        )
        triton.serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
