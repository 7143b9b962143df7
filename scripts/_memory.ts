/** Peak memory of a process and all its children, as Linux counts it. */

/**
 * Watches until `done` settles.
 * @returns The largest sum of resident memory seen, in bytes; where the process has no children it is exact, as the
 * kernel keeps the peak of each process itself.
 */
export async function watchMemory(pid: number, done: Promise<unknown>): Promise<number> {
  let peak = 0;
  let over = false;
  done.finally(() => over = true).catch(() => {});
  while (!over) {
    peak = Math.max(peak, treePeak(pid));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return peak;
}

/** The kernel's own peak of a process, and of its children now. */
function treePeak(pid: number): number {
  let status: string;
  try {
    status = Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch {
    return 0;
  }
  const own = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  return own + childrenOf(pid).reduce((sum, child) => sum + treePeak(child), 0);
}

function childrenOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ").filter(Boolean).map(
        Number,
      )
    );
  } catch {
    return [];
  }
}
