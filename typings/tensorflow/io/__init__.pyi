from penstock.io import *
