from penstock.keras.datasets.imdb import *
