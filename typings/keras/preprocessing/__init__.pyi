from penstock.keras.preprocessing import *
