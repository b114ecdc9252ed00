from penstock.raw_ops import *
