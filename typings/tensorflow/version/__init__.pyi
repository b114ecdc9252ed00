from penstock.version import *
