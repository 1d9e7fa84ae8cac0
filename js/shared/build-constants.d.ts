/**
 * The version in package.json. scripts/build/js.mjs writes it into the bundles, so that they need no file beside them.
 */
declare const PACKAGE_VERSION: string
