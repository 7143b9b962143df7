/**
 * What a worker does with a message: make what it asks for, and put it where it belongs. Only when both are done may
 * the message be deleted. What cannot be made is the message's own fault; what cannot be put is that of the way.
 * @module
 */
import type { QueueMessage } from "./sqs.ts";

/** What a job needs of the spool. */
export interface SpoolNeed {
  /** Bytes of one entry: an image, or a piece of a volume; 0 where nothing is kept. */
  readonly entryBytes: number;
  /** Entries that are needed by turns, in the order in which the server hands out its messages. */
  readonly entries: number;
}

/** Makes and puts what messages ask for. */
export interface Uploader {
  /**
   * What the job needs of the spool, by its first tile or chunk: headers alone are read.
   * @returns Undefined where the image of that tile is not there.
   */
  need(signal: AbortSignal): Promise<SpoolNeed | undefined>;
  /** What a message asks for, in words. @throws {BossError} If it is none of this job's kind. */
  name(body: string): string;
  /** Makes what a message asks for. @throws What is wrong with it, or with its source. */
  make(body: string, signal: AbortSignal): Promise<Upload>;
}

/** What was made, ready to go. */
export interface Upload {
  /**
   * Puts it; when this ends, the store has confirmed all of it. Put again, it is the same.
   * @param message By which it was asked for.
   */
  put(message: QueueMessage, signal: AbortSignal): Promise<void>;
}
