/**
 * Addresses of volumes: a path, or `s3://`, `gs://`, `http://`, `https://` and `bossdb://` with what follows.
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Schemes of places, as opposed to formats. */
const PLACES = /^(?:s3|gs|https?|file):\/\//;

/** What is both: a format, and where it lies. */
const BOSS = /^bossdb:\/\//;

/** Whether an address says where something lies, rather than which format it has; false for a path. */
export function namesPlace(address: string): boolean {
  return PLACES.test(address);
}

/** Whether it is no path on this machine. */
export function isRemote(place: string): boolean {
  return BOSS.test(place) || PLACES.test(place) && !place.startsWith("file:");
}

/** One name for one place: an absolute path, or an address without a slash at its end. */
export function resolvePlace(address: string): string {
  if (isRemote(address)) return address.replace(/\/+$/, "");
  return resolve(address.startsWith("file://") ? fileURLToPath(address) : address);
}

/** Whether two addresses are one place: what stands behind that of a channel of a Boss says how it is asked alone. */
export function isSamePlace(a: string, b: string): boolean {
  const place = (address: string) =>
    BOSS.test(address) ? resolvePlace(address.replace(/\?.*$/s, "")) : address;
  return place(a) === place(b);
}

/** An address as messages print it: without a name, a password, and what follows the path of a web address. */
export function shownPlace(address: string): string {
  return address.replace(/(:\/\/)[^/?#]*@/g, "$1")
    .replace(/^((?:[a-z0-9+.-]+:\/\/)?https?:\/\/[^?#]*)[?#].*$/s, "$1");
}

/** A place below another. */
export function joinPlace(place: string, ...names: readonly string[]): string {
  return isRemote(place) ? [place, ...names].join("/") : join(place, ...names);
}

/** What a place lies in, and its name there. */
export function splitPlace(place: string): { readonly parent: string; readonly name: string } {
  if (!isRemote(place)) return { parent: dirname(place), name: basename(place) };
  const at = place.lastIndexOf("/");
  return { parent: place.slice(0, at), name: place.slice(at + 1) };
}
