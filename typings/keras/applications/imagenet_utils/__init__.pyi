from penstock.keras.applications.imagenet_utils import *
