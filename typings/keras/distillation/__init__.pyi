from penstock.keras.distillation import *
