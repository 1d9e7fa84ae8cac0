/** The version in package.json. scripts/build/js.mjs writes it into the bundles, so that they need no other file. */
declare const PACKAGE_VERSION: string
/** The WebAssembly module of pages in base64. scripts/build/js.mjs writes it into the entries that have it inlined. */
declare const PAGE_MODULE: string
