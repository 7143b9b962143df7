import { deepEqual, equal, throws } from "node:assert/strict";
import {
  convertVoxelSize,
  formatVoxelSize,
  lengthUnit,
  parseVoxelSize,
  toNanometres,
  type VoxelSize,
} from "../../core/units.ts";

const read: [text: string, size: VoxelSize][] = [
  ["4x4x40nm", { x: 4, y: 4, z: 40, unit: "nanometer" }],
  ["4.6x4.6x45 nm", { x: 4.6, y: 4.6, z: 45, unit: "nanometer" }],
  [" 0.1 × 0.1 × 0.5 µm ", { x: 0.1, y: 0.1, z: 0.5, unit: "micrometer" }],
  ["0.1x0.1x0.5um", { x: 0.1, y: 0.1, z: 0.5, unit: "micrometer" }],
  ["1,2,3micron", { x: 1, y: 2, z: 3, unit: "micrometer" }],
  ["1e-3x1e-3x2e-3mm", { x: 0.001, y: 0.001, z: 0.002, unit: "millimeter" }],
  ["8x8x8Å", { x: 8, y: 8, z: 8, unit: "angstrom" }],
  ["8x8x8\u212B", { x: 8, y: 8, z: 8, unit: "angstrom" }],
  ["1x1x1nanometre", { x: 1, y: 1, z: 1, unit: "nanometer" }],
];
for (const [text, size] of read) {
  Deno.test(`"${text}" is read as a voxel size`, () => {
    deepEqual(parseVoxelSize(text), size);
    deepEqual(parseVoxelSize(formatVoxelSize(size)), size);
  });
}

const refused = [
  ...["", "4x4x40", "4x4nm", "4x4x4x4nm", "0x4x40nm", "-4x4x40nm", "4x4x40parsec"],
  ...["4x4xnm", "4..5x4x40nm", "4x4x1e999nm", "nmx4x40", "4nmx4nmx40nm"],
];
for (const text of refused) {
  Deno.test(`"${text}" is refused as a voxel size`, () => {
    throws(() => parseVoxelSize(text), {
      name: "UsageError",
      message: /^Cannot read ".*" as a voxel size: .*such as 4x4x40nm/,
    });
  });
}

Deno.test("parseVoxelSize() names the nearest unit", () => {
  const near = [["nanometers", "nanometer"], ["micrn", "micron"], ["nmm", 'nm" or "mm']];
  for (const [word, unit] of near) {
    throws(() => parseVoxelSize(`4x4x40${word}`), {
      name: "UsageError",
      message:
        `Cannot read "4x4x40${word}" as a voxel size: "${word}" is no unit of length; did you mean "${unit}"?`,
    });
  }
});

Deno.test("units go by their usual spellings", () => {
  const spellings: [string, ReturnType<typeof lengthUnit>][] = [
    ["NM", "nanometer"],
    ["µm", "micrometer"],
    ["μm", "micrometer"],
    [" microns ", "micrometer"],
    ["Micrometer", "micrometer"],
    ["metre", "meter"],
    ["cm", "centimeter"],
    ["toString", undefined],
    ["pixel", undefined],
    ["", undefined],
  ];
  for (const [word, unit] of spellings) equal(lengthUnit(word), unit, word);
});

Deno.test("lengths change their unit without the noise of binary fractions", () => {
  equal(toNanometres(0.0046, "micrometer"), 4.6);
  equal(toNanometres(3, "angstrom"), 0.3);
  deepEqual(convertVoxelSize({ x: 4.6, y: 4.6, z: 45, unit: "nanometer" }, "micrometer"), {
    x: 0.0046,
    y: 0.0046,
    z: 0.045,
    unit: "micrometer",
  });
  deepEqual(convertVoxelSize({ x: 0.07, y: 0.3, unit: "micrometer" }, "nanometer"), {
    x: 70,
    y: 300,
    unit: "nanometer",
  });
});
