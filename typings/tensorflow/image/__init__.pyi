from penstock.image import *
