"""Language models from files: decoders and encoders described by a table of differences. In: GGUF files and Hugging Face folders; out: texts and vectors.

`model.py` has `tf.language.load` and the class that it returns: read it first. `architecture.py` has the record that describes a model,
`families/` the tables that fill it from files, `weights/` the matrices, which stay packed, `network/` the computation, `text/` tokenizers
and templates of conversations, and `sampling.py` chooses tokens by the steps of `token_choice.py`. `serving/` drives the same functions for many sequences at a time.

A new family is a row of `families/table.py`, with its names in `families/names.py`; a choice that no family has made so far is a field in `architecture.py`
and a branch in `network/decoder.py`, which records layers that are alike once (`graph/members/repetition.py`): what differs among layers is part of their `Operands`. The decoder's functions have unknown lengths and write keys and values in place; packed matrices are operands of
`PackedMatMul` as the file has them (`ir/meaning/packed.py` has the layouts).
"""
