"""Single builtin ops of TFLite beside ai-edge-litert's reference kernels (`make interop WHICH=tflite`)."""
