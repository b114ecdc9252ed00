"""The prompt of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.text.tokenizers import Part

ASSISTANT = "assistant"


def prompt_of(
    messages: Iterable[tuple[str, str]], templates: Mapping[str, tuple[str, str]]
) -> list[Part]:
    """Returns the text of a prompt: each message between its role's prefix and suffix, then the prefix of the answer.

    Args:
      messages: (role, text).
      templates: {role: (before, after)}.

    Raises:
      InvalidArgumentError: the model does not chat, or does not know a role.
    """
    if ASSISTANT not in templates:
        raise InvalidArgumentError(
            "The model does not support chat: it has no template for messages."
        )
    parts: list[Part] = []
    for role, text in messages:
        if role not in templates:
            raise InvalidArgumentError(
                f"messages: expected the roles {sorted(templates)}. Received '{role}'."
            )
        before, after = templates[role]
        parts += [Part(before, True), Part(text, False), Part(after, True)]
    return [*parts, Part(templates[ASSISTANT][0], True)]
