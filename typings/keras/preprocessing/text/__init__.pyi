from penstock.keras.preprocessing.text import *
