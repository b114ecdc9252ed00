"""An ONNX file as a Model: `read`."""
