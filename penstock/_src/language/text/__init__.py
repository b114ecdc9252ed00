"""Tokens of texts and back.

In: texts of requests, tokens that a model generates. Out: tokens, and pieces of text as soon as they are certain. `tokenizers.py` has the
tokenizers, `gguf.py` makes them of GGUF's metadata, `stream.py` makes text of tokens as they come. `chat.py` makes the prompt of a conversation of
texts around each role's messages, `templates.py` of a template in Jinja's language, which runs in
`sandbox.py`.
"""
