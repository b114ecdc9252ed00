from penstock.keras.random import *
