from penstock.keras.initializers import *
