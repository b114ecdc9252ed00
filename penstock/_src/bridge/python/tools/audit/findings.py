"""The findings of an audit in a file."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from penstock._src.util.flags import CAPABILITIES

LOADING, CALLING, SAVING = "while it is loaded", "when it is called", "to save and restore itself"


@dataclasses.dataclass(frozen=True)
class Deed:
    """Something besides computing.

    Args:
      capability: a name of CAPABILITIES.
      what: the op, or the kind of Python code.
      where: the node and its function, or the path in a configuration.
      when: LOADING, CALLING or SAVING.
      files: the paths that are known, separated by commas.
    """

    capability: str
    what: str
    where: str
    when: str = CALLING
    files: str = ""


@dataclasses.dataclass
class Findings:
    """All about one file.

    Args:
      path: of the file or folder.
      kind: of the format.
      sizes: bytes and counts by name.
      deeds: what needs consent.
      unknown_ops: names of ops that Penstock lacks, with how many nodes have them.
      custom_objects: classes and functions of user code that loading looks for.
    """

    path: str
    kind: str
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    deeds: list[Deed] = dataclasses.field(default_factory=list)
    unknown_ops: dict[str, int] = dataclasses.field(default_factory=dict)
    custom_objects: list[str] = dataclasses.field(default_factory=list)

    def needed(self) -> list[str]:
        """The capabilities that the caller would have to grant."""
        return sorted({deed.capability for deed in self.deeds if deed.when != SAVING})

    def as_json(self) -> str:
        """Returns all of it as JSON."""
        fields: dict[str, Any] = {**dataclasses.asdict(self), "needed": self.needed()}
        return json.dumps(fields, indent=2)

    def lines(self) -> list[str]:
        """Returns the report."""
        sizes = ", ".join(f"{name} {count:,}" for name, count in self.sizes.items())
        texts = [f"{self.path}: {self.kind}", f"  sizes: {sizes}"]
        for when in (LOADING, CALLING, SAVING):
            deeds = [deed for deed in self.deeds if deed.when == when]
            texts += [f"  {when}:"] * bool(deeds)
            for deed in deeds:
                files = f" ({deed.files})" if deed.files else ""
                texts.append(
                    f"    {CAPABILITIES[deed.capability]}: {deed.what} at {deed.where}{files}"
                )
        if self.unknown_ops:
            ops = ", ".join(f"{name} ({count})" for name, count in sorted(self.unknown_ops.items()))
            texts.append(f"  unknown operations: {ops}")
        if self.custom_objects:
            texts.append(f"  custom objects: {', '.join(self.custom_objects)}")
        needed = ", ".join(self.needed())
        texts.append(f"  needs: {needed}" if needed else "  computes only")
        return texts
