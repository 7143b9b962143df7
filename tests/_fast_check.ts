/**
 * The one file that imports fast-check.
 * @module
 */
export { default as fc } from "npm:fast-check@4.10.2";
