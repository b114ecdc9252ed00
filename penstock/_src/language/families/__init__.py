"""Families of language models. In: what files say of a model; out: an `Architecture`, and where its tensors are.

`table.py` has a row for each family, `names.py` the names of tensors, `facts.py` reads numbers of a file and refuses those that cannot be.
`hugging_face.py` and `gguf.py` make architectures, `frequencies.py` computes those of rotary positions.
"""
