"""SavedModels with int8 weights (`tf.quantization.experimental`). In: a SavedModel and options; out: another SavedModel.

`saved_model.py` is the public function; `settings.py` checks the options. Each signature is frozen (`formats/frozen.py`), its products,
convolutions and gathers with constant weights are found (`units.py`), the ranges of their inputs measured over samples where they are
needed (`calibration.py`), and the graph is copied with integer arithmetic in their place (`rewriting.py`, `arithmetic.py`). Read
`units.py` first. All arithmetic is written as TensorFlow's ops, so that the result runs there as well.
"""
