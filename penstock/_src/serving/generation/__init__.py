"""Generation: sequences of tokens, several at a time in one running batch, which they join and leave between tokens.

In: prompts, as `Sequence`s. Out: their tokens, one by one. `engine.py` has the loop: read it first. `cached_model.py` calls the functions of the model
(its contract is in `servables/generation.py` and docs/serving.md), `sequence.py` has the record of a sequence,
`prefixes.py` the beginnings of prompts that are kept for others, and `options.py` says how much of all that there may be. `language/` chooses tokens, and makes tokens of texts and back. `exporting/` writes models that generate.
"""
