from penstock.debugging import *
