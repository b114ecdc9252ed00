"""Every test verifies what the compiler makes: primitives, kernels, memory, LLVM's IR (docs/debugging.md)."""

import os

os.environ.setdefault("PENSTOCK_VERIFY", "1")
