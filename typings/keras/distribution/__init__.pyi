from penstock.keras.distribution import *
