"""Paths of OpenAI's API: /v1/models, /v1/completions, /v1/chat/completions, /v1/embeddings.

In: JSON. Out: whole replies, or server-sent events. `routes.py` answers: read it first. `requests.py` reads requests, `choices.py` writes replies, `embeddings.py` has
the vectors of texts. `chat.html` is the page that chats.
"""
