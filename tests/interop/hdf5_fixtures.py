"""Makes the small HDF5 files of tests/plugins/_hdf5_files.ts, with h5py.

python hdf5_fixtures.py > ../plugins/_hdf5_files.ts
Every voxel is its position in the dataset, the last axis running fastest.
"""

import base64
import gzip
import json
import pathlib
import tempfile
import textwrap

import h5py
import numpy

FOLDER = pathlib.Path(tempfile.mkdtemp())


def voxels(shape, dtype):
    return numpy.arange(numpy.prod(shape)).reshape(shape).astype(dtype)


def cremi(path):
    """As the challenge of that name has it: several volumes, and tables."""
    with h5py.File(path, "w") as file:
        raw = file.create_dataset("volumes/raw", data=voxels((3, 5, 7), "u1"), chunks=(1, 2, 3), compression="gzip")
        raw.attrs["resolution"] = [40.0, 4.0, 4.0]
        labels = voxels((3, 5, 7), "u8")
        ids = file.create_dataset("volumes/labels/neuron_ids", data=labels, chunks=(2, 5, 7), compression="gzip")
        ids.attrs["resolution"] = [40.0, 4.0, 4.0]
        file["annotations/ids"] = numpy.arange(5)
        file["raw_link"] = h5py.SoftLink("/volumes/raw")


def fiji(path):
    """One dataset, as Fiji's plugins write it."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("t0/channel0", data=voxels((3, 5, 7), ">u2"))
        data.attrs["element_size_um"] = numpy.array([0.5, 0.1, 0.1], ">f4")


def ilastik(path):
    """Channels behind x, as ilastik says in words of vigra."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("exported_data", data=voxels((3, 5, 7, 2), "f4"), chunks=(2, 2, 4, 2), compression="lzf")
        data.attrs["axistags"] = json.dumps({"axes": [{"key": key, "typeFlags": 2, "resolution": 0} for key in "zyxc"]})


def labelled(path):
    with h5py.File(path, "w", libver="v110") as file:
        data = file.create_dataset("image", data=voxels((3, 5, 7), "i2"))
        for axis, label in enumerate("xzy"):
            data.dims[axis].label = label
        data.attrs["resolution"] = [0.004, 0.04, 0.004]
        data.attrs["unit"] = "um"


def newest(path):
    """Checksums everywhere; a chunk is missing."""
    with h5py.File(path, "w", libver="latest") as file:
        for name, limits in [("fixed", None), ("along", (None, 5, 7)), ("two", (None, None, 7))]:
            data = file.create_dataset(
                name, (3, 5, 7), "u2", chunks=(1, 2, 3), maxshape=limits, fillvalue=9, compression="gzip", fletcher32=True
            )
            data[:, :4] = voxels((3, 5, 7), "u2")[:, :4]
            data[:2, 4:] = voxels((3, 5, 7), "u2")[:2, 4:]


def oldest(path):
    with h5py.File(path, "w", libver="earliest") as file:
        file.create_dataset("plain", data=voxels((3, 5, 7), "u2"), chunks=(1, 2, 3))


def written(path):
    """What others see of a file while a program writes it."""
    other = path.with_suffix(".open")
    with h5py.File(other, "w", libver="v110") as file:
        file.create_dataset("image", data=voxels((3, 5, 7), "u1"), chunks=(1, 5, 7), maxshape=(None, 5, 7))
        file.swmr_mode = True
        file.flush()
        path.write_bytes(other.read_bytes())


print("// Made by tests/interop/hdf5_fixtures.py.\n")
print("/** Small HDF5 files that h5py wrote, in base64 of gzip. Every voxel is its position, the last axis fastest. */")
print("export const HDF5_FILES = {")
for make in [cremi, fiji, ilastik, labelled, newest, oldest, written]:
    path = FOLDER / make.__name__
    make(path)
    packed = base64.b64encode(gzip.compress(path.read_bytes(), 9, mtime=0)).decode()
    print(f"  {make.__name__}:")
    print(" +\n".join(f'    "{line}"' for line in textwrap.wrap(packed, 100)) + ",")
print("} as const;")
