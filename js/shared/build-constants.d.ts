/** The version in package.json. scripts/build/js.mjs writes it into the bundles, so that they need no other file. */
declare const PACKAGE_VERSION: string
