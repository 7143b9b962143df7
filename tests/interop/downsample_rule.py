"""
Computes every coarser scale of a volume anew from the scale below it, and counts the voxels that differ.

    python downsample_rule.py VOLUME.ome.zarr [--group labels/NAME] [--rule mean|mode] [--fill 0]

The rule: a coarse voxel stands for a window of voxels of the scale below; extents round up, and a window
at the far edge that is partial uses the voxels it has.
- mean: of integers exact, rounded half to even; of float32 the sum in float64, z slowest and x fastest,
  divided by the count, as float32.
- mode: the most frequent value; a tie goes to the smallest value that is not the fill value.

Exit code 1 if a voxel differs, or a shape or a factor is not what it should be.
"""

import argparse
import itertools
import json
import sys

import numpy as np

from _volume import ome_of, open_group

# Voxels of the finer scale that are held at once.
SLAB_VOXELS = 1 << 25


def window(fine, factors):
    """Yields, for each place in the window, the voxels that lie there: strided views, shorter at a far edge."""
    for offset in itertools.product(*(range(f) for f in factors)):
        yield fine[tuple(slice(o, None, f) for o, f in zip(offset, factors, strict=True))]


def near(part):
    """Where the voxels of a view of `window` belong in the coarse array."""
    return tuple(slice(0, size) for size in part.shape)


def counts(fine, factors):
    """Voxels in the window of each coarse voxel."""
    total = np.ones((), np.int64)
    for axis, f in enumerate(factors):
        size = fine.shape[axis]
        along = np.minimum(f, size - np.arange(0, size, f))
        total = total * along.reshape([-1 if i == axis else 1 for i in range(fine.ndim)])
    return total


def half_even(total, count):
    """Divides integers, rounding half to even."""
    quotient, rest = np.divmod(total, count)
    return quotient + ((2 * rest > count) | ((2 * rest == count) & (quotient % 2 == 1)))


def mean(fine, factors):
    """Coarse voxels by the rule "mean"."""
    count = counts(fine, factors)
    shape = count.shape
    if fine.dtype.kind == "f":
        total = np.zeros(shape, np.float64)
        for part in window(fine, factors):
            total[near(part)] += part
        return (total / count).astype(fine.dtype)
    if fine.dtype.itemsize == 8:
        # Two halves, since the sum of a window of 64-bit integers needs more than 64 bits.
        high, low = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        for part in window(fine, factors):
            high[near(part)] += part >> np.uint64(32)
            low[near(part)] += part & np.uint64(0xFFFFFFFF)
        count = count.astype(np.uint64)
        whole, rest = np.divmod(high, count)
        return (whole << np.uint64(32)) + half_even((rest << np.uint64(32)) + low, count)
    room = 8 * fine.dtype.itemsize + int(np.prod(factors)).bit_length() < 31
    total = np.zeros(shape, np.int32 if room else np.int64)
    for part in window(fine, factors):
        total[near(part)] += part
    return half_even(total, count.astype(total.dtype)).astype(fine.dtype)


def mode(fine, factors, fill):
    """Coarse voxels by the rule "mode"."""
    parts = list(window(fine, factors))
    shape = parts[0].shape
    best = np.full(shape, fill, fine.dtype)
    most = np.zeros(shape, np.uint16)
    for part in parts:
        votes = np.zeros(part.shape, np.uint16)
        for other in parts:
            both = tuple(slice(0, min(a, b)) for a, b in zip(part.shape, other.shape, strict=True))
            votes[both] += part[both] == other[both]
        at = near(part)
        smaller = (part != fill) & ((best[at] == fill) | (part < best[at]))
        better = (votes > most[at]) | ((votes == most[at]) & smaller)
        best[at] = np.where(better, part, best[at])
        most[at] = np.maximum(votes, most[at])
    return best


def check(fine, coarse, factors, rule, fill):
    """Counts the voxels of one scale that differ from the rule, slab by slab."""
    found = {"voxels": 0, "unequal": 0, "first_unequal": None}
    expected = [-(-size // f) for size, f in zip(fine.shape, factors, strict=True)]
    if list(coarse.shape) != expected:
        return {**found, "fault": f"its shape is {list(coarse.shape)}, not {expected}"}
    axis = next((i for i, size in enumerate(fine.shape) if size > 1), 0)
    rest = int(np.prod(fine.shape)) // fine.shape[axis]
    step = max(1, SLAB_VOXELS // (rest * factors[axis]))
    for start in range(0, coarse.shape[axis], step):
        end = min(start + step, coarse.shape[axis])
        at = tuple(slice(start, end) if i == axis else slice(None) for i in range(fine.ndim))
        f = factors[axis]
        below = tuple(slice(start * f, end * f) if i == axis else slice(None) for i in range(fine.ndim))
        slab = fine[below]
        wanted = mean(slab, factors) if rule == "mean" else mode(slab, factors, fill)
        stored = coarse[at]
        unequal = (stored != wanted) & ((stored == stored) | (wanted == wanted))
        count = int(np.count_nonzero(unequal))
        if count > 0 and found["first_unequal"] is None:
            place = tuple(int(i) for i in np.argwhere(unequal)[0])
            found["first_unequal"] = {
                "at": [i + start if k == axis else i for k, i in enumerate(place)],
                "stored": stored[place].item(),
                "wanted": wanted[place].item(),
            }
        found["voxels"] += stored.size
        found["unequal"] += count
    return found


def scale_of(dataset):
    """The scale transformation of a dataset."""
    transformations = dataset["coordinateTransformations"]
    return next(t["scale"] for t in transformations if t["type"] == "scale")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("volume")
    parser.add_argument("--group", default="", help="path of a group inside the volume")
    parser.add_argument("--rule", choices=["mean", "mode"], help='default: what "type" in the metadata says')
    parser.add_argument("--fill", type=int, help="default: the fill value of the array")
    options = parser.parse_args()

    group = open_group(options.volume, options.group)
    multiscale = ome_of(group)["multiscales"][0]
    rule = options.rule or multiscale.get("type")
    if rule not in ("mean", "mode"):
        parser.error(f'the metadata says "type": {json.dumps(rule)}; choose a rule with --rule')
    scales = []
    for below, dataset in itertools.pairwise(multiscale["datasets"]):
        fine, coarse = group[below["path"]], group[dataset["path"]]
        ratios = [b / a for a, b in zip(scale_of(below), scale_of(dataset), strict=True)]
        factors = [max(1, round(ratio)) for ratio in ratios]
        result = {"path": dataset["path"], "below": below["path"], "factors": factors}
        if any(abs(ratio - f) > 1e-6 for ratio, f in zip(ratios, factors, strict=True)):
            result |= {"unequal": 0, "fault": f"its scale is {ratios} times the one below it, not whole"}
        else:
            fill = fine.fill_value if options.fill is None else options.fill
            result |= check(fine, coarse, factors, rule, fill)
        scales.append(result)
    good = all(result["unequal"] == 0 and "fault" not in result for result in scales)
    print(json.dumps({"rule": rule, "equal": good, "scales": scales}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
