from penstock.keras.datasets.fashion_mnist import *
