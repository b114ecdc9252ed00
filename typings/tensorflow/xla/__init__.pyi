from penstock.xla import *
