"""Python runs this as an interpreter starts that has this folder on its path (`lean` in tests/harness/processes.py).

Keras imports libraries where they are installed, most of them to look what kind of array it is given: two of the three seconds in which it is
imported. Those that LEFT_OUT names it does not find, as in an environment of `penstock-tensors[keras]` alone.
"""

import os
import sys

sys.modules.update(dict.fromkeys(os.environ.get("LEFT_OUT", "").split()))
