from penstock.keras.quantizers import *
