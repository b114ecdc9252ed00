from penstock.sets import *
