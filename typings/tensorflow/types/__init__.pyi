from penstock.types import *
