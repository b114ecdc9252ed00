from penstock.serving import *
