from penstock.profiler import *
