"""
Reads volumes that sluice wrote with tensorstore, zarr-python and cloud-volume: `read_back.py CASES.json`.

Each case says where a volume lies (file:// or s3://), its format, which voxels went into it (a file in the order
c, z, y, x), and for each scale the edges of a voxel and where the first one lies: voxel_offset of precomputed volumes,
translation of OME-Zarr. Coarser scales must follow the rule of `downsample_rule.py`. Prints what is wrong, as a JSON
list, and how often each program read a scale.
"""

import collections
import json
import sys

import numpy as np
import tensorstore as ts
import zarr
from cloudvolume import CloudVolume

import _places
from downsample_rule import mean, mode


def on_czyx(voxels, axes):
    """An array that may lack some axes, with all of c, z, y and x."""
    assert list(axes) == [axis for axis in "czyx" if axis in axes], axes
    return voxels.reshape([dict(zip(axes, voxels.shape)).get(axis, 1) for axis in "czyx"])


class Precomputed:
    def __init__(self, case):
        self.case = case
        self.info = json.loads(_places.read(case, "info"))
        self.sharded = "sharding" in self.info["scales"][0]
        self.scales = len(self.info["scales"])
        self.readers = dict(tensorstore=self.tensorstore)
        if case["cloudVolume"]:
            self.readers["cloud-volume"] = self.cloud_volume

    def tensorstore(self, scale):
        spec = dict(driver="neuroglancer_precomputed", kvstore=_places.kvstore(self.case), scale_index=scale)
        store = ts.open(spec).result()
        *origin, _ = store.domain.origin
        assert all(unit.base_unit == "nm" for unit in store.dimension_units[:3])
        edges = [unit.multiplier for unit in store.dimension_units[:3]]
        return store.read().result().transpose(3, 2, 1, 0), edges, list(origin)

    def cloud_volume(self, scale):
        vol = CloudVolume(f"precomputed://{self.case['volume']}", mip=scale, progress=False, fill_missing=False)
        voxels = np.asarray(vol[vol.bounds]).transpose(3, 2, 1, 0)
        return voxels, vol.resolution.tolist(), vol.voxel_offset.tolist()


class OmeZarr:
    def __init__(self, case):
        self.case = case
        self.group = zarr.open_group(_places.zarr_store(case), mode="r")
        attributes = self.group.attrs.asdict()
        self.multiscale = attributes.get("ome", attributes)["multiscales"][0]
        self.axes = [axis["name"] for axis in self.multiscale["axes"]]
        self.scales = len(self.multiscale["datasets"])
        self.sharded = self.group[self.path(0)].shards is not None
        self.readers = {"tensorstore": self.tensorstore, "zarr-python": self.zarr_python}

    def path(self, scale):
        return self.multiscale["datasets"][scale]["path"]

    def place(self, scale):
        """Edges of a voxel and the middle of the first one, along x, y and z."""
        said = {t["type"]: t[t["type"]] for t in self.multiscale["datasets"][scale]["coordinateTransformations"]}
        units = [axis.get("unit") for axis in self.multiscale["axes"] if axis["type"] == "space"]
        assert units == ["nanometer"] * 3, units
        return said["scale"][:-4:-1], said.get("translation", [0, 0, 0])[:-4:-1]

    def tensorstore(self, scale):
        driver = {2: "zarr", 3: "zarr3"}[self.group.metadata.zarr_format]
        store = ts.open(dict(driver=driver, kvstore=_places.kvstore(self.case, self.path(scale)))).result()
        return on_czyx(store.read().result(), self.axes), *self.place(scale)

    def zarr_python(self, scale):
        return on_czyx(self.group[self.path(scale)][...], self.axes), *self.place(scale)


def unlike(found, wanted, bound):
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return f"{found.dtype} {found.shape} where {wanted.dtype} {wanted.shape} went in"
    if bound == 0:
        # Bytes, so that NaN and the sign of zero count.
        differs = np.ascontiguousarray(found).tobytes() != np.ascontiguousarray(wanted).tobytes()
        return f"{np.count_nonzero(found != wanted)} voxels differ" if differs else None
    most = int(np.abs(found.astype(int) - wanted.astype(int)).max())
    return f"voxels differ by up to {most}" if most > bound else None


def check(case, reads):
    wanted = np.fromfile(case["voxels"], case["dtype"]).reshape(case["shape"])
    volume = {"precomputed": Precomputed, "ome-zarr": OmeZarr}[case["format"]](case)
    last = None
    for scale, (edges, origin) in enumerate(case["scales"]):
        if last is not None:
            factors = [1, *(round(b / a) for a, b in zip(last[::-1], edges[::-1], strict=True))]
            wanted = mean(wanted, factors) if case["rule"] == "mean" else mode(wanted, factors, 0)
        last = edges
        seen = []
        for name, read in volume.readers.items():
            where = f"{case['what']}, scale {scale}, {name}: "
            try:
                voxels, found_edges, found_origin = read(scale)
            except Exception as error:  # Whatever it is, the other volumes are to be heard of, too.
                yield f"{where}{type(error).__name__}: {error}"
                continue
            reads[name] += 1
            fault = unlike(voxels, wanted, case["bound"])
            if fault is not None:
                yield where + fault
            if not np.allclose(found_edges, edges, rtol=1e-9):
                yield f"{where}a voxel of {found_edges}, not {edges}"
            if not np.allclose(found_origin, origin, rtol=1e-9):
                yield f"{where}begins at {found_origin}, not {origin}"
            seen.append(voxels)
        if case["bound"] > 0 and len(seen) == 2 and np.abs(seen[0].astype(int) - seen[1].astype(int)).max() > 3:
            yield f"{case['what']}, scale {scale}: the two readers do not agree"
    if volume.scales != len(case["scales"]):
        yield f"{case['what']}: {volume.scales} scales, not {len(case['scales'])}"
    if volume.sharded != case["sharded"]:
        yield f"{case['what']}: sharded is {volume.sharded}"


cases = json.load(open(sys.argv[1]))
reads = collections.Counter()
faults = [fault for case in cases for fault in check(case, reads)]
print(json.dumps(dict(faults=faults, reads=reads)))
