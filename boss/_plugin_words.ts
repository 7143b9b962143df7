/** What a program and the thread of a custom plugin say to each other. */

/** What a thread is told first. */
export interface PluginStart {
  /** Address of the module. */
  readonly module: string;
  /** Class in it. */
  readonly className: string;
  /** What the class is made with: parameters and job. */
  readonly setup: unknown;
  /** Hosts that no module may come from once this one is loaded. */
  readonly revoked: readonly string[];
}

/** What a thread is asked, in turn. */
export interface PluginQuestion {
  /** Tells its answer from others. */
  readonly id: number;
  /** What `process` is called with. */
  readonly args: readonly unknown[];
}

/** What a thread says. */
export type PluginSaid =
  | { readonly kind: "alive" }
  | { readonly kind: "opened"; readonly varies: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id?: number; readonly message: string }
  | { readonly kind: "ended"; readonly how: string };
