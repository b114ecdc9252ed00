from penstock.keras import *
from penstock.keras import __version__ as __version__
