/**
 * What other programs call the values that have a name here.
 * @module
 */

/** Other names by name, in small letters. One counts only where its name is among those that may be written. */
export const VALUE_NAMES: Readonly<Record<string, readonly string[]>> = {
  // Codecs and compressions.
  zstd: ["zstandard"],
  gzip: ["gz", "zlib", "deflate"],
  deflate: ["gzip", "gz", "zlib", "zip", "adobe_deflate"],
  "blosc:lz4": ["lz4"],
  none: ["raw", "off", "no", "null", "uncompressed"],
  // Dtypes.
  uint8: ["u8", "ubyte", "byte", "uchar"],
  uint16: ["u16", "ushort"],
  uint32: ["u32", "uint"],
  uint64: ["u64", "ulong"],
  int8: ["i8", "sbyte"],
  int16: ["i16", "short"],
  int32: ["i32", "int"],
  float32: ["f32", "float", "single"],
  // Kinds, policies, formats.
  labels: ["segmentation", "mask", "masks", "annotation"],
  image: ["img", "intensity", "grey", "gray"],
  error: ["fail", "stop", "abort", "raise"],
  fill: ["blank", "zero", "zeros"],
  tiff: ["tif"],
  jpeg: ["jpg"],
  // Ledgers.
  sqlite: ["sqlite3", "file"],
  postgres: ["postgresql", "pg"],
};
