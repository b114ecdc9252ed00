from penstock.nest import *
