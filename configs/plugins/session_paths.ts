/**
 * A path processor of a lab's own: the slices of an acquisition that ran in sessions, each with a folder for its images.
 *
 * `root_dir/session_2/slice_00130.tif`, with the first slice of each session in the parameter `session_starts`.
 */
interface Params {
  readonly root_dir: string;
  readonly session_starts: readonly number[];
}

export class SessionPaths {
  /** One image for all tiles of a slice. */
  readonly varies = [];

  constructor(readonly setup: { readonly params: Params }) {}

  process({ z }: { readonly z: number }): string {
    const { root_dir, session_starts } = this.setup.params;
    const session = session_starts.findLastIndex((start) => start <= z);
    if (session < 0) throw new RangeError(`No session has slice ${z}`);
    const slice = String(z - session_starts[session]).padStart(5, "0");
    return `${root_dir}/session_${session + 1}/slice_${slice}.tif`;
  }
}
