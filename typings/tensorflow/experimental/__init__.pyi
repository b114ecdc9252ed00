from penstock.experimental import *
