/** A Content-Security-Policy that allows nothing but what the client needs, as docs/browser.md has it. */
export const STRICT = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'`

/** The headers of a site with this policy. */
export const policy = (text) => ({ headers: { 'content-security-policy': text } })
