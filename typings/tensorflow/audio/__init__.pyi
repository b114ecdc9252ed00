from penstock.audio import *
