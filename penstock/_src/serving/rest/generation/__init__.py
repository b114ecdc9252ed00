"""Routes of models that generate tokens.

In: prompts. Out: whole replies, or server-sent events. `generate.py` answers :generate; `rest/openai/` begins its sequences by it too.
"""
