"""
Reads precomputed volumes with tensorstore and cloud-volume: `precomputed_read_back.py CASES.json`.

Each case says where a volume lies, which voxels went into it (a file in the order c, z, y, x), and for each scale its
resolution and voxel_offset. Coarser scales must follow the rule of `downsample_rule.py`. Prints what is wrong, as a
JSON list, and how many scales were read.
"""

import json
import sys

import numpy as np
import tensorstore as ts
from cloudvolume import CloudVolume
from downsample_rule import mean, mode


def by_tensorstore(volume, scale):
    store = ts.open(dict(driver="neuroglancer_precomputed", kvstore=f"file://{volume}", scale_index=scale)).result()
    *origin, _ = store.domain.origin
    resolution = [unit.multiplier for unit in store.dimension_units[:3]]
    assert all(unit.base_unit == "nm" for unit in store.dimension_units[:3])
    return store.read().result(), resolution, list(origin)


def by_cloud_volume(volume, scale):
    vol = CloudVolume(f"precomputed://file://{volume}", mip=scale, progress=False, fill_missing=False)
    return np.asarray(vol[vol.bounds]), vol.resolution.tolist(), vol.voxel_offset.tolist()


def unlike(found, wanted, bound):
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return f"{found.dtype} {found.shape} where {wanted.dtype} {wanted.shape} went in"
    if bound == 0:
        # Bytes, so that NaN and the sign of zero count.
        differs = np.ascontiguousarray(found).tobytes() != np.ascontiguousarray(wanted).tobytes()
        return f"{np.count_nonzero(found != wanted)} voxels differ" if differs else None
    most = int(np.abs(found.astype(int) - wanted.astype(int)).max())
    return f"voxels differ by up to {most}" if most > bound else None


def check(case):
    wanted = np.fromfile(case["voxels"], case["dtype"]).reshape(case["shape"])
    last = None
    for scale, (resolution, offset) in enumerate(case["scales"]):
        if last is not None:
            factors = [1, *(round(b / a) for a, b in zip(last[::-1], resolution[::-1], strict=True))]
            wanted = mean(wanted, factors) if case["rule"] == "mean" else mode(wanted, factors, 0)
        last = resolution
        seen = []
        readers = [("tensorstore", by_tensorstore)]
        if case["cloudVolume"]:
            readers.append(("cloud-volume", by_cloud_volume))
        for name, read in readers:
            where = f"{case['what']}, scale {scale}, {name}: "
            try:
                voxels, found_resolution, found_offset = read(case["volume"], scale)
            except Exception as error:  # Whatever it is, the other volumes are to be heard of, too.
                yield f"{where}{type(error).__name__}: {error}"
                continue
            fault = unlike(voxels.transpose(3, 2, 1, 0), wanted, case["bound"])
            if fault is not None:
                yield where + fault
            if not np.allclose(found_resolution, resolution, rtol=1e-9):
                yield f"{where}resolution {found_resolution}, not {resolution}"
            if found_offset != offset:
                yield f"{where}voxel_offset {found_offset}, not {offset}"
            seen.append(voxels)
        if case["bound"] > 0 and len(seen) == 2 and np.abs(seen[0].astype(int) - seen[1].astype(int)).max() > 3:
            yield f"{case['what']}, scale {scale}: the two readers do not agree"
    info = json.load(open(f"{case['volume']}/info"))
    if len(info["scales"]) != len(case["scales"]):
        yield f"{case['what']}: {len(info['scales'])} scales, not {len(case['scales'])}"
    if ("sharding" in info["scales"][0]) != case["sharded"]:
        yield f"{case['what']}: sharding is {info['scales'][0].get('sharding')}"


cases = json.load(open(sys.argv[1]))
faults = [fault for case in cases for fault in check(case)]
print(json.dumps(dict(faults=faults, scales=sum(len(case["scales"]) for case in cases))))
