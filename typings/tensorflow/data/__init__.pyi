from penstock.data import *
