from penstock.lookup import *
