"""Tests of the whole, in several processes at once."""

import os

# Before any library reads it, here and in what the tests start: each process has as many threads as there
# are cores otherwise, and those of one wait busily for the others' (a fit took ten times as long).
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
