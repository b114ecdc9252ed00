"""Families of language models. In: the metadata of a model's files; out: an `Architecture`, and the names of its tensors.

`table.py` has a row for each family, `names.py` the names of tensors, `facts.py` reads numbers of a file and rejects impossible ones.
`hugging_face.py` and `gguf.py` make architectures, `frequencies.py` computes those of rotary positions.
"""
