from penstock.compat import *
