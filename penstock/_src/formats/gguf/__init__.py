"""GGUF: files of language models, with packed weights, tokenizer and chat template. In: a mapped file; out: `Weights`, and back.

`layout.py` has the numbers of the format, `reading.py` checks every size against the file before anything is allocated, `writing.py` makes files.
"""
