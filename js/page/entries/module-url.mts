/** Where the module is: bundlers understand this expression, and copy the file. */
export const MODULE_URL: URL = new URL('./mcp-page.wasm', import.meta.url)
