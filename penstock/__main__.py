"""`python -m penstock`; see `penstock._src.bridge.cli`."""

import sys

from penstock._src.bridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
