"""Tokens of texts and back.

In: texts of requests, tokens that a model generates. Out: tokens, and pieces of text as soon as they are certain. `tokenizers.py` has the
tokenizers, `stream.py` makes text of tokens as they come, `chat.py` makes the prompt of a conversation.
"""
