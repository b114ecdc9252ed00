from penstock.aot import *
