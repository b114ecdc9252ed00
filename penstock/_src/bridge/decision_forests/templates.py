"""Named sets of hyperparameters."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.learners import ydf


class HyperParameterTemplate(NamedTuple):
    """Hyperparameters that are better than a learner's defaults, in general or on some data.

    Args:
      name: of the template.
      version: of the template; a larger one is newer.
      parameters: the hyperparameters.
      description: for readers.
    """

    name: str
    version: int
    parameters: dict[str, Any]
    description: str


def templates_of(learner: str) -> list[HyperParameterTemplate]:
    """Returns the templates of a learner of ydf.

    Args:
      learner: its name.
    """
    templates = getattr(ydf(), learner).hyperparameter_templates().values()
    return [HyperParameterTemplate(t.name, t.version, dict(t.parameters), t.description) for t in templates]  # fmt: skip


def template_named(name: str, templates: list[HyperParameterTemplate]) -> HyperParameterTemplate:
    """Returns one of several templates.

    Args:
      name: as "benchmark_rank1@v1", or without a version, for the newest.
      templates: to choose from.

    Raises:
      ValueError: there is none of this name.
    """
    base, _, version = name.partition("@v")
    matching = [t for t in templates if t.name == base and version in ("", str(t.version))]
    if not matching:
        known = ", ".join(f"{t.name}@v{t.version}" for t in templates) or "none"
        raise ValueError(f"No template is called {name!r}. Templates: {known}.")
    return max(matching, key=lambda template: template.version)
