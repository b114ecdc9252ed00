"""Routes of models that generate tokens.

In: prompts. Out: whole replies, or server-sent events. `generate.py` answers :generate, `openai.py` the paths of OpenAI's API, with the page that chats (`chat.html`).
"""
