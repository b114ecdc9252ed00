from penstock.autodiff import *
