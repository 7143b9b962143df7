"""
Volumes of every format that a pull reads, as others write them: `pull_volumes.py FOLDER`.

Prints a JSON list: address below the folder, file of the voxels (t z c y x in C order), dtype, shape (the same order),
and edges of a voxel in nm along x, y and z; or what a pull must say of a volume that no TIFF can hold.
"""

import json
import sys

import h5py
import numpy as np
import tensorstore as ts
import zarr

folder = sys.argv[1]
entries = []
random = np.random.default_rng(3)


def make(dtype, shape):
    if np.dtype(dtype).kind == "f":
        return random.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def add(address, voxels, axes, edges=(4, 4.5, 40), format=""):
    """Enters a volume. voxels: in the order of axes, which are some of tczyx in any order."""
    order = [axis for axis in "tzcyx" if axis in axes]
    plain = voxels.transpose([axes.index(axis) for axis in order])
    shape = [dict(zip(axes, voxels.shape)).get(axis, 1) for axis in "tzcyx"]
    raw = f"{folder}/{len(entries)}.raw"
    np.ascontiguousarray(plain).tofile(raw)
    entries.append(dict(format=format, address=address, voxels=raw, dtype=voxels.dtype.name, shape=shape, size=edges))


with h5py.File(f"{folder}/it.h5", "w") as file:
    raw = make("uint8", (9, 21, 33))
    dataset = file.create_dataset("volumes/raw", data=raw, chunks=(2, 8, 16), compression="gzip", shuffle=True)
    dataset.attrs["resolution"] = [40.0, 4.5, 4.0]
    add("it.h5:/volumes/raw", raw, "zyx")
    add("it.h5:/volumes/raw", raw, "zyx", format="hdf5://")
    dataset = file.create_dataset("float64", data=make("float64", (3, 5, 7)))
    entries.append(dict(address="it.h5:/float64", format="", refused="float64"))

n5 = dict(dimensions=[33, 21, 9], blockSize=[16, 8, 4], dataType="int16", compression=dict(type="gzip"))
n5 |= dict(axes=[*"xyz"], resolution=[4, 4.5, 40], units=["nm"] * 3)
voxels = make("int16", (9, 21, 33))
store = ts.open(dict(driver="n5", kvstore=f"file://{folder}/it.n5/", metadata=n5, create=True)).result()
store[...] = voxels.T
for scheme in ["", "n5://"]:
    add("it.n5", voxels, "zyx", format=scheme)

for dtype, encoding, channels in [("uint64", "compressed_segmentation", 1), ("uint8", "raw", 3), ("float32", "raw", 2)]:
    name = f"precomputed-{dtype}"
    scale = dict(size=[33, 21, 9], chunk_size=[16, 8, 4], resolution=[4, 4.5, 40], voxel_offset=[5, 7, -3], encoding=encoding)
    if encoding != "raw":
        scale["compressed_segmentation_block_size"] = [8, 8, 8]
    spec = dict(driver="neuroglancer_precomputed", kvstore=f"file://{folder}/{name}/", create=True, scale_metadata=scale)
    kind = "image" if encoding == "raw" else "segmentation"
    store = ts.open(spec | dict(multiscale_metadata=dict(type=kind, data_type=dtype, num_channels=channels))).result()
    voxels = make(dtype, (33, 21, 9, channels))
    store[...] = voxels
    for scheme in ["", "precomputed://"]:
        add(name, voxels, "xyzc", format=scheme)

for zarr_format, version in [(2, "0.4"), (3, "0.5")]:
    group = zarr.open_group(f"{folder}/ome-{version}", mode="w", zarr_format=zarr_format)
    voxels = make("uint16", (2, 3, 9, 21, 33))
    names = dict(dimension_names=[*"tczyx"]) if zarr_format == 3 else {}
    group.create_array("0", data=voxels, chunks=(1, 1, 4, 8, 16), **names)
    axes = [dict(name="t", type="time"), dict(name="c", type="channel")]
    axes += [dict(name=axis, type="space", unit="nanometer") for axis in "zyx"]
    scaled = [dict(type="scale", scale=[1, 1, 40, 4.5, 4]), dict(type="translation", translation=[0, 0, 80, 9, 12])]
    image = dict(axes=axes, datasets=[dict(path="0", coordinateTransformations=scaled)], version=version)
    group.attrs.update(dict(multiscales=[image]) if version == "0.4" else dict(ome=dict(version=version, multiscales=[image])))
    for scheme in ["", "zarr://"]:
        add(f"ome-{version}", voxels, "tczyx", format=scheme)
zarr.create_array(f"{folder}/complex", shape=(3, 5, 7), chunks=(3, 5, 7), dtype="complex64")
entries.append(dict(address="complex", format="", refused="complex64"))

print(json.dumps(entries))
