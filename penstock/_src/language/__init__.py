"""Language models from files: decoders and encoders described by a table of differences. In: GGUF files and Hugging Face folders; out: texts and vectors.

`model.py` has `tf.language.load` and what it returns: read it first. `architecture.py` has the record that describes a model, `families/` the tables
that fill it from files, `weights/` the matrices, which stay packed, `network/` the computation, `text/` tokenizers and templates of conversations, and
`sampling.py` chooses tokens. `serving/` drives the same functions for many sequences at a time.
"""
