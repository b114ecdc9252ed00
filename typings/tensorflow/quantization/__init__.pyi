from penstock.quantization import *
