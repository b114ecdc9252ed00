from penstock.mlir import *
