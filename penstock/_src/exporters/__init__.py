"""Models in other formats. In: functions and SavedModels; out: files that other runtimes read.

A folder or file per format. None writes one yet: what stands here is the surface that code names
(`tf.lite`, `tf.mlir`, TensorRT, quantization), with the checks that need no converter.
"""
