"""Compares a volume with voxels that went into it: serve_boss_volume.py VOLUME RAW [T] Z Y X.

Prints dtype and shape of its finest level, whether the first voxels along each axis are those of the file (C order),
and whether all others are 0.
"""

import json
import sys

import numpy as np
import zarr

array = zarr.open_group(sys.argv[1], mode="r")["0"]
shape = tuple(int(size) for size in sys.argv[3:])
wanted = np.fromfile(sys.argv[2], array.dtype).reshape(shape)
found = array[:]
inside = tuple(slice(0, size) for size in shape)
same = bool((found[inside] == wanted).all())
found[inside] = 0
print(json.dumps([str(array.dtype), list(array.shape), same, not found.any()]))
