"""Families of language models. In: the metadata of a model's files; out: an `Architecture`, and the names of its tensors.

`family.py` says what a row is, `table.py` and `more.py` have one for each family, `names.py` the names of tensors, `facts.py` reads numbers of a file and refuses those that cannot be.
`hugging_face.py`, with `rotary.py`, and `gguf.py` make architectures, `frequencies.py` computes those of rotary positions.
"""
