from penstock import *
from penstock import __internal__ as __internal__
from penstock import __operators__ as __operators__
from penstock import __version__ as __version__
