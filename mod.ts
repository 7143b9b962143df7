/**
 * sluice moves stacks of scientific images into volumes and back, and can prove what it did.
 *
 * Everything is built of stages, which a script can use one by one: tasks of a job are leased, their images found and
 * decoded, coarser scales built, chunks cut, encoded and committed.
 *
 * @example A stack becomes a volume, with a stage of one's own on the way
 * ```ts
 * import * as sluice from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(200);
 * const section = sluice.encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/section_${z}.png`, section);
 *
 * await using ledger = await sluice.openLedger("memory:");
 * await using pool = new sluice.WorkerPool({ size: 0 });
 * const report = await sluice.planIngest([`${folder}/section_<>.png`]);
 * const { job, volume } = await sluice.createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * await using store = await sluice.openVolume(volume, { pool });
 * const sources = await store.folder.sources();
 * const invert = sluice.mapBands("invert", ({ data }) => {
 *   for (let i = 0; i < data.length; i++) data[i] = 255 - Number(data[i]);
 * });
 *
 * const run = sluice.pipeline(sluice.leaseTasks(ledger, { job }))
 *   .through(sluice.readSlabs(store, { sources, pool }))
 *   .through(invert)
 *   .through(sluice.buildScales(store.layout, { pool }))
 *   .through(sluice.splitChunks(store.layout))
 *   .through(sluice.upload(store, { pool, ledger }));
 * for await (const { task, value } of run) await ledger.acknowledge(task.lease, [value]);
 *
 * const slab = await store.read(sluice.box([6, 4, 2], [7, 5, 3]));
 * equal((await sluice.gatherVoxels(slab))[0], 55);
 * await Deno.remove(folder, { recursive: true });
 * ```
 * @module
 */
export { Wake } from "./core/abort.ts";
export * from "./core/box.ts";
export * from "./core/downsample.ts";
export * from "./core/dtype.ts";
export { ImageError, LeaseLostError, SluiceError, UsageError } from "./core/errors.ts";
export * from "./core/layout.ts";
export {
  countTasks,
  dependents,
  type Lease,
  type leaseBrand,
  type LeaseId,
  type Phase,
  phaseOf,
  type Plan,
  type PlannedCopy,
  planTask,
  type Policies,
  type ShardingBits,
  type Task,
  taskBox,
  taskUnits,
} from "./core/plan.ts";
export { chooseChunk, planLayout, type PlanLayoutOptions, type Sides } from "./core/plan_layout.ts";
export * from "./core/point.ts";
export * from "./core/receipt.ts";
export * from "./core/gather_voxels.ts";
export { type Band, BandBuffers, type BandOptions, type Slab } from "./core/slab.ts";
export {
  convertVoxelSize,
  formatVoxelSize,
  type LengthUnit,
  lengthUnit,
  parseVoxelSize,
  type VoxelSize,
} from "./core/units.ts";
export * from "./core/version.ts";
export * from "./core/voxels.ts";

export {
  type ChunkCodec,
  chunkCodecs,
  ChunkError,
  type Compressor,
  openChunkCodec,
  type OpenCompressor,
} from "./codecs/chunk_codec.ts";
export {
  type FileFacts,
  type FileSource,
  type FileSourceOptions,
  openFileSource,
} from "./codecs/file_source.ts";
export * from "./codecs/image.ts";
export * from "./codecs/png_encode.ts";
export type { StripPacking, TiffCompression } from "./codecs/tiff_encode.ts";

export * from "./plugins/array_source.ts";
export * from "./plugins/image_stack.ts";
export * from "./plugins/source.ts";
export {
  readSourceList,
  SourceList,
  type Sources,
  writeSourceList,
  type WrittenSourceList,
} from "./plugins/source_list.ts";

export type { EncodeStoredOptions, StoredChunks } from "./plugins/stored_chunks.ts";

export * from "./stores/check_read.ts";
export * from "./stores/blobs/blobs.ts";
export { openBlobs, type OpenBlobsOptions } from "./stores/blobs/open_blobs.ts";
export type { BucketOptions } from "./stores/blobs/_s3_settings.ts";
export type { HttpOptions } from "./stores/blobs/http.ts";
export type { Clock, RetryOptions } from "./stores/blobs/retry.ts";
export type { FindCredentials, S3Credentials } from "./stores/blobs/s3_credentials.ts";
export * from "./stores/gather_unit.ts";
export type { ChannelDisplay } from "./stores/read_contrast.ts";
export { type Claim, JobFolder, type Overrides, type SourceVolume } from "./stores/job_folder.ts";
export * from "./stores/store.ts";
export {
  type Contrast,
  openVolume,
  type OpenVolumeOptions,
  type Volume,
  type VolumeState,
} from "./stores/volume.ts";

export {
  type BossBackend,
  type BossConfig,
  BossConfigError,
  type BossSchema,
  type BossTarget,
  checkBossTarget,
  type ConfigFault,
  type JsonObject,
  type JsonValue,
  loadBossBackend,
  loadBossConfig,
  parseBossBackend,
  parseBossConfig,
  type PluginChoice,
  summarizeBossConfig,
} from "./boss/config.ts";
export { BossError, type BossErrorKind, type BossFault } from "./boss/boss_error.ts";
export {
  type BossServer,
  BossToken,
  findBossToken,
  type FindTokenOptions,
} from "./boss/credentials.ts";
export {
  loadPrepConfig,
  parsePrepConfig,
  type PrepConfig,
  type WantedField,
  type WantedResource,
} from "./boss/prep_config.ts";
export type { BossResource } from "./boss/resources.ts";
export {
  type BossCallOptions,
  type BossCompletion,
  type BossJobState,
  type BossJoin,
  type BossProgress,
  BossService,
  type BossServiceOptions,
  type IngestJob,
  type JobAccess,
  type JoinOptions,
  type ListedJob,
} from "./boss/rest.ts";
export type { JobParameters } from "./boss/messages.ts";
export { SpoolError } from "./boss/spool.ts";
export type { SpoolNeed } from "./boss/uploader.ts";
export type { BossDeadLetter, WorkerEvent, WorkReport } from "./boss/worker.ts";
export {
  type BossJob,
  type BossTileJob,
  type BossVolumetricJob,
  countBossTasks,
  CUBOID_SIZE,
  zChunkSize,
} from "./boss/ingest_job.ts";
export * from "./boss/place_tile.ts";
export * from "./boss/plugin.ts";
export {
  type CustomChunk,
  type CustomChunkProcessor,
  type CustomPathProcessor,
  type CustomPluginOptions,
  type CustomPluginSetup,
  type CustomTile,
  type CustomTileProcessor,
  type CustomVoxels,
  isCustomPlugin,
  PluginError,
  type PluginFault,
  type PluginGrants,
} from "./boss/custom_plugin.ts";
export {
  type BossPlugins,
  chunkProcessors,
  openBossPlugins,
  pathProcessors,
  type PluginTable,
  tileProcessors,
} from "./boss/plugins.ts";

export * from "./ledgers/ledger.ts";
export {
  defaultLedgerUrl,
  type Environment,
  initLedger,
  type InitReport,
  type LedgerOpener,
  ledgerSchemes,
  openLedger,
  redactUrl,
} from "./ledgers/open_ledger.ts";
export { readReceipts, ReceiptLog } from "./ledgers/receipt_log.ts";

export * from "./stages/build_scales.ts";
export * from "./stages/decode.ts";
export * from "./stages/enumerate.ts";
export * from "./stages/lease_tasks.ts";
export * from "./stages/map_bands.ts";
export * from "./stages/pipeline.ts";
export * from "./stages/read_slabs.ts";
export * from "./stages/resolve_paths.ts";
export * from "./stages/split_chunks.ts";
export * from "./stages/stage.ts";
export * from "./stages/upload.ts";

export * from "./pool/make_slab.ts";
export type { DownsampleInput, JobInput, JobName, JobOutput, Jobs, JobTimes } from "./pool/jobs.ts";
export type { CheckUnitInput, UnitCheck } from "./pool/_check_unit.ts";
export type { DecodeChunksInput, PieceFailure, StoredPiece } from "./pool/_decode_chunks.ts";
export type { ChunkDecoding, ChunkDecodings } from "./codecs/chunk_decoder.ts";
export type { RawDecoding } from "./codecs/_raw_chunk.ts";
export type { Hdf5Decoding } from "./codecs/_hdf5_chunk.ts";
export type { PrecomputedDecoding } from "./codecs/_precomputed_decoder.ts";
export type { Sharding } from "./codecs/precomputed_sharding.ts";
export type { N5Decoding } from "./codecs/_n5_chunk.ts";
export type { Packing } from "./codecs/_unpack.ts";
export type { ZarrDecoding, ZarrShard, ZarrVoxels } from "./codecs/_zarr_chunk.ts";
export type { ShardIndexLayout } from "./codecs/_zarr_shard.ts";
export type { EncodeChunksInput, EncodedChunk } from "./pool/_encode_chunks.ts";
export type { RecodeChunksInput, RecodedChunks } from "./pool/_recode_chunks.ts";
export type { EncodedStrip, EncodeStripsInput, StripEncoding } from "./pool/_encode_strips.ts";
export type { EncodeFrameInput } from "./pool/encode_frame.ts";
export type { EncodeImageInput, ImageEncoding } from "./pool/encode_image.ts";
export type {
  CloseImagesInput,
  ImageFailure,
  ImagePart,
  ReadImagesInput,
} from "./pool/_read_images.ts";
export { type RunOptions, WorkerPool, type WorkerPoolOptions } from "./pool/worker_pool.ts";

export { openBossServer, type ServeBossOptions, type ServedBoss } from "./services/boss/server.ts";

export type { AskBossOptions, TokenFound } from "./tasks/_ask_boss.ts";
export type { BossLook, LookState } from "./tasks/_look_boss.ts";
export * from "./tasks/boss_job_status.ts";
export * from "./tasks/cancel_boss_job.ts";
export * from "./tasks/complete_boss_job.ts";
export * from "./tasks/contact_sheet.ts";
export * from "./tasks/create_boss_job.ts";
export * from "./tasks/describe_volume.ts";
export {
  diagnoseVolume,
  type DiagnoseVolumeOptions,
  type Diagnosis,
  type DoctorCheck,
  type DoctorMend,
} from "./tasks/doctor.ts";
export { type CreatedJob, createJob, type CreateJobOptions, TargetError } from "./tasks/create.ts";
export { findJob, type FindJobOptions, type FoundJob } from "./tasks/find_job.ts";
export * from "./tasks/ingest.ts";
export * from "./tasks/join.ts";
export * from "./tasks/join_boss_job.ts";
export * from "./tasks/list_boss_jobs.ts";
export { defaultMemory, type MemoryShares, shareMemory } from "./tasks/memory.ts";
export * from "./tasks/list_plugins.ts";
export * from "./tasks/new_plugin.ts";
export * from "./tasks/plan.ts";
export * from "./tasks/prep_boss.ts";
export * from "./tasks/pull.ts";
export * from "./tasks/retry.ts";
export { setVoxelSize, type SetVoxelSizeResult } from "./tasks/set_voxel_size.ts";
export { type DeadReport, jobStatus, type PhaseReport, type StatusReport } from "./tasks/status.ts";
export * from "./tasks/test_plugin.ts";
export * from "./tasks/validate_boss.ts";
export * from "./tasks/verify.ts";
