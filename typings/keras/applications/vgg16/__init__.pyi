from penstock.keras.applications.vgg16 import *
