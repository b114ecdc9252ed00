from penstock.keras.applications.vgg19 import *
