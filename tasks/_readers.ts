/**
 * Which programs read a volume, by its format, the steps that its chunks went through, its shards and its dtype.
 *
 * Sources: what Neuroglancer, n5-zarr and napari-ome-zarr say of themselves; the codecs that zarrita registers and the
 * dtypes that vizarr draws; tensorstore 0.1, cloud-volume 12 and zarr-python 3, which were tried. A program of which
 * nothing is known for some format is not named for it.
 */
import type { VolumeArray } from "../plugins/volume_array.ts";

/** Whether a program opens a volume. */
export interface ReaderReport {
  /** Such as `Neuroglancer`. */
  readonly reader: string;
  /** Whether it runs in a browser: then the server of the volume must allow it. */
  readonly inBrowser: boolean;
  /** Whether it reads every scale. */
  readonly opens: boolean;
  /** Whether it reads volumes of this format at all. */
  readonly readsFormat: boolean;
  /** Why not; or what it needs, or shows otherwise, as phrases. */
  readonly remarks: readonly string[];
}

/** What is known of a volume. */
interface Facts {
  readonly format: string;
  readonly zarr?: VolumeArray["zarr"];
  readonly dtype: string;
  readonly channels: number;
  readonly scales: number;
  readonly isSharded: boolean;
  readonly indexAtStart: boolean;
  /** Whether shards are compressed as a whole, so that nothing in them can be fetched alone. */
  readonly isPacked: boolean;
  /** Whether the axes were reordered before shards were cut. */
  readonly isTransposedFirst: boolean;
  /** Members of the metadata that some program does not take. */
  readonly members: readonly string[];
  /** Steps without those that only order voxels and bytes, or lay out shards. */
  readonly codecs: readonly string[];
}

type Verdict = Pick<ReaderReport, "opens" | "readsFormat" | "remarks">;

interface Reader {
  readonly name: string;
  readonly inBrowser?: boolean;
  /** Undefined: nothing is known. */
  readonly judge: (facts: Facts) => Verdict | undefined;
}

const SHARDED = ["sharding_indexed", "neuroglancer_uint64_sharded_v1"];
/** What every reader of a format knows. */
const LAYOUT = [
  ...SHARDED,
  "big-endian",
  "bytes",
  "order F",
  "packed shards",
  "raw",
  "transpose",
];

const yes = (...remarks: readonly string[]): Verdict => ({
  opens: true,
  readsFormat: true,
  remarks,
});
const no = (reason: string): Verdict => ({ opens: false, readsFormat: true, remarks: [reason] });
const other = (reason: string): Verdict => ({ ...no(reason), readsFormat: false });

/** The codecs that are not among those which a reader knows, as a reason. */
function unknown({ codecs }: Facts, known: readonly string[]): Verdict | undefined {
  const others = codecs.filter((codec) => !known.includes(codec));
  return others.length === 0
    ? undefined
    : no(`it does not know ${others.map((codec) => codec.replace(/^filter /, "the filter "))}`);
}

const READERS: readonly Reader[] = [
  {
    name: "Neuroglancer",
    inBrowser: true,
    judge: (facts) => {
      const { format, zarr } = facts;
      switch (format) {
        case "precomputed":
          return yes();
        case "n5":
          return unknown(facts, ["blosc", "gzip"]) ?? yes();
        case "zarr":
          if (zarr?.ome !== undefined && !/^0\.[45]/.test(zarr.ome)) {
            return no(
              `it reads OME-Zarr 0.4 and 0.5, not ${zarr.ome}; each array alone it may read`,
            );
          }
          if (facts.isPacked) return undefined;
          return zarr?.version === 3
            ? unknown(facts, ["blosc", "crc32c", "gzip", "zstd"]) ?? yes()
            : unknown(facts, ["blosc", "gzip", "zlib", "zstd"]) ?? yes();
        default:
          return other("it reads no HDF5");
      }
    },
  },
  {
    name: "Viv, vizarr",
    inBrowser: true,
    judge: (facts) => {
      if (facts.format !== "zarr") return other("they read Zarr alone");
      if (facts.isPacked) return undefined;
      if (facts.indexAtStart) return no("they look for the index of a shard at its end");
      const plain = ["blosc", "gzip", "lz4", "zlib", "zstd"];
      const known = facts.zarr?.version === 3
        ? [...plain, ...plain.map((name) => `numcodecs.${name}`), "crc32c", "numcodecs.shuffle"]
        : [...plain, "filter shuffle"];
      return unknown(facts, known) ??
        (facts.dtype === "uint64" ? yes("draw uint64 as uint32") : yes());
    },
  },
  {
    name: "napari",
    judge: ({ zarr }) => {
      if (zarr?.ome === undefined) return undefined;
      return yes(
        `with napari-ome-zarr${zarr.version === 3 ? ", and ome-zarr 0.12 or newer" : ""}`,
      );
    },
  },
  {
    name: "zarr-python",
    judge: ({ format, zarr, isTransposedFirst }) => {
      if (format !== "zarr") return other("it reads Zarr alone");
      if (isTransposedFirst) return undefined;
      return zarr?.version === 3 ? yes("version 3 or newer") : yes();
    },
  },
  {
    name: "tensorstore",
    judge: (facts) => {
      const known: Readonly<Record<string, readonly string[]>> = {
        zarr2: ["blosc", "bz2", "gzip", "zlib", "zstd"],
        zarr3: ["blosc", "crc32c", "gzip", "zstd"],
        n5: ["blosc", "bzip2", "gzip", "xz", "zlib", "zstd"],
        precomputed: ["compressed_segmentation", "gzip", "jpeg", "png"],
      };
      const list = known[facts.format === "zarr" ? `zarr${facts.zarr?.version}` : facts.format];
      if (list === undefined) return other("it reads no HDF5");
      if (facts.isPacked) return no("it reads no shards that are compressed as a whole");
      const [member] = facts.members;
      if (member !== undefined) {
        return no(`it does not take the member "${member}" of its compressor`);
      }
      return unknown(facts, list) ?? (facts.scales > 1 ? yes("one scale at a time") : yes());
    },
  },
  {
    name: "cloud-volume",
    judge: (facts) => {
      const { format, zarr, isSharded, codecs, dtype, channels } = facts;
      if (format === "precomputed") {
        const isImage = codecs.includes("png") || codecs.includes("jpeg");
        return isImage && channels > 1
          ? no("it misreads PNG and JPEG of several channels")
          : codecs.includes("png") && dtype === "uint16"
          ? no("it misreads PNG of 16 bits")
          : yes();
      }
      if (format === "hdf5") return other("it reads no HDF5");
      if (format === "zarr" && zarr?.version === 3 && isSharded) {
        return no("it reads no shards of Zarr");
      }
      if (zarr?.ome === undefined) return undefined;
      const known = zarr.version === 3
        ? ["blosc", "crc32c", "gzip", "zstd"]
        : ["blosc", "gzip", "zlib", "zstd"];
      const blosc = codecs.includes("blosc") ? ["with the package blosc"] : [];
      return unknown(facts, known) ?? yes(`as zarr${zarr.version}://`, ...blosc);
    },
  },
  {
    name: "Fiji",
    judge: (facts) => {
      const { format, zarr, codecs } = facts;
      const blosc = codecs.includes("blosc") ? ["libblosc1 is to be installed"] : [];
      switch (format) {
        case "n5":
          return yes(...blosc);
        case "zarr": {
          if (codecs.some((codec) => codec.startsWith("filter "))) {
            return no("it knows no filters of Zarr v2");
          }
          const known = zarr?.version === 3
            ? ["blosc", "bzip2", "crc32c", "gzip", "lz4", "xz", "zstd"]
            : ["blosc", "bz2", "gzip", "zlib", "zstd"];
          if (unknown(facts, known) !== undefined) return undefined;
          const v3 = zarr?.version === 3 ? ["n5-zarr of 2026 or newer"] : [];
          return yes(...v3, ...blosc);
        }
        case "hdf5":
          return unknown(facts, ["gzip", "shuffle"]) === undefined ? yes() : undefined;
        default:
          return undefined;
      }
    },
  },
  {
    name: "h5py",
    judge: (facts) => {
      if (facts.format !== "hdf5") return undefined;
      const others = unknown(facts, ["fletcher32", "gzip", "lzf", "shuffle"]);
      return others === undefined ? yes() : yes("after import hdf5plugin");
    },
  },
];

/** What is known of who reads a volume. */
export function readersOf(array: VolumeArray): ReaderReport[] {
  // What reads files reads no service.
  if (array.format === "bossdb") return [];
  const facts = factsOf(array);
  return READERS.flatMap(({ name, inBrowser = false, judge }) => {
    const verdict = judge(facts);
    return verdict === undefined ? [] : [{ reader: name, inBrowser, ...verdict }];
  });
}

function factsOf({ format, zarr, scales }: VolumeArray): Facts {
  const steps = new Set(scales.flatMap(({ storage }) => storage?.steps ?? []));
  return {
    format,
    zarr,
    dtype: scales[0].dtype,
    channels: scales[0].size[3],
    scales: scales.length,
    isSharded: SHARDED.some((step) => steps.has(step)),
    indexAtStart: scales.some(({ storage }) => storage?.indexAtStart === true),
    isPacked: steps.has("packed shards"),
    isTransposedFirst: scales.some(({ storage }) => isTransposedFirst(storage?.steps ?? [])),
    members: [...steps].flatMap((step) => /^member (.*)/.exec(step)?.[1] ?? []),
    codecs: [...steps].filter((step) => !LAYOUT.includes(step) && !step.startsWith("member ")),
  };
}

function isTransposedFirst(steps: readonly string[]): boolean {
  const [transpose, shard] = [steps.indexOf("transpose"), steps.indexOf("sharding_indexed")];
  return transpose >= 0 && transpose < shard;
}

/** Whether chunks lie in shards, of which browsers fetch ranges. */
export function isSharded(array: VolumeArray): boolean {
  return factsOf(array).isSharded;
}
