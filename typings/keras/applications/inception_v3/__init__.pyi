from penstock.keras.applications.inception_v3 import *
