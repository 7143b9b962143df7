/**
 * What happens to voxels in memory: copied between boxes, filled, put apart by channel, summed up, cast.
 *
 * An array that covers a box lies in C order over (t, c, z, y, x), x fastest, without padding, and may be
 * longer than its box needs. Arrays may lie on shared memory. Boxes are absolute, half-open, in voxels.
 * @module
 */
export { castWindow } from "./cast.ts";
export { copyBox, fillBox } from "./copy_box.ts";
export { deinterleave, type ImageRows } from "./deinterleave.ts";
export { scanVoxels, type VoxelScan } from "./scan.ts";
