from penstock.distribute import *
