"""The live world: worlds, people, windows, control. Imports recordings and learners; neither imports this.

A process of ours computes with one thread: on two cores a window's networks would wait for the core on which the
trainer works (docs/decisions/0028). It has to be said before numpy is loaded; whoever set the variables decides.
"""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
for _name in THREADS:
    os.environ.setdefault(_name, "1")
