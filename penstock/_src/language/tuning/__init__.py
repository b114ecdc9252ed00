"""Fine-tuning: low-rank adapters of frozen matrices, packed or not. In: a model and texts; out: adapters, and files that PEFT reads.

`lora.py` has what `LanguageModel.enable_lora` returns: read it first. `adapters.py` puts variables beside the matrices of layers, `losses.py` computes
the loss over a large vocabulary in pieces, `batches.py` makes arrays of texts, `files.py` reads and writes PEFT's folders.
"""
