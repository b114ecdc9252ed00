from penstock.autograph import *
