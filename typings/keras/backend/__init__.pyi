from penstock.keras.backend import *
