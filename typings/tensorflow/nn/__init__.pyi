from penstock.nn import *
