"""tensorflow-text's functions and tokenizers: `penstock.text`, and `tensorflow_text` where Penstock stands for TensorFlow.

In: strings, dense or ragged. Out: mostly ragged tensors. The computing is done by the ops of `ops/text`. `tokenizers/` has what cuts strings, beginning with `base.py` and
`inputs.py`; `model_inputs/` pads, trims, joins and masks what models take; `spans/` has functions of places in texts and of sequences; `vocabulary/` learns vocabularies.
"""
