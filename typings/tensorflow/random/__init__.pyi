from penstock.random import *
