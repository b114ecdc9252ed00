from penstock.keras.constraints import *
