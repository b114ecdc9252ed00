from penstock.keras.preprocessing.image import *
