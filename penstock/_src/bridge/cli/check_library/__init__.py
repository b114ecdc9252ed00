"""`penstock check-library`: which names of TensorFlow a library uses that Penstock does not have.

`sources.py` finds a library's files, `scanning.py` reads names out of them without running them, `resolving.py` looks the names up where Penstock stands for
TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.bridge.cli.check_library import resolving, scanning, sources

DESCRIPTION = """Reads a library's files, without running them, and lists the names of TensorFlow in them that Penstock lacks.

NAME is an installed distribution, a folder or file, a wheel or a source distribution. Names are imports (`from tensorflow.python.ops import array_ops`) and
attributes of what they import (`tf.nn.relu`). Those in the body of a `try`, or of a version that the library asks for, may never be used. What a
library does at run time, such as `getattr(tf, name)`, is not seen."""


def main(arguments: Sequence[str]) -> int:
    """Prints the missing names for each library; returns 1 if one of them is not guarded by a `try`."""
    parser = Parser("penstock check-library", DESCRIPTION)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument(
        "--tensorflow",
        metavar="PYTHON",
        help="an interpreter with TensorFlow: names that it lacks as well are left out",
    )
    parsed = parser.parse_args(arguments)
    is_lacking = False
    for name in parsed.names:
        library = sources.library(name)
        trees, unread = scanning.parsed(library.files)
        for reason in unread:
            print(f"penstock check-library: not read: {reason}", file=sys.stderr)
        uses = scanning.uses_in(trees)
        missing = resolving.missing(sorted(uses))
        if parsed.tensorflow and missing:
            missing = resolving.known_to(parsed.tensorflow, missing)
        print(
            f"{library.title}: {len(library.files)} files, {len(uses)} names of TensorFlow, {len(missing)} missing"
        )
        for each in missing:
            places = uses[each]
            guarded = all(place.is_guarded for place in places)
            is_lacking |= not guarded
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            print(f"  {each}  {places[0]}{more}{' (in a try)' if guarded else ''}")
    return int(is_lacking)
