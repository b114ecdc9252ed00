from penstock.math import *
