from penstock.sparse import *
