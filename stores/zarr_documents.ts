/**
 * The documents of OME-Zarr volumes, for services that write one chunk by chunk.
 * @module
 */
export { unitPath, volumeDocuments, type VolumeMetadata } from "./_zarr_metadata.ts";
