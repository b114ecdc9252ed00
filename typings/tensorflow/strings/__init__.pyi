from penstock.strings import *
