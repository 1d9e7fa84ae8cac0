/** The module in base64, in a file of its own where CommonJS needs it twice. */
export const MODULE_TEXT: string = PAGE_MODULE
