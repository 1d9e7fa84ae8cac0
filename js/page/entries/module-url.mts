/**
 * Where the module is: bundlers understand this expression, and copy the file.
 * @throws where the code is no module and so cannot say where it is
 */
export const moduleUrl = (): URL => new URL('./mcp-page.wasm', import.meta.url)
