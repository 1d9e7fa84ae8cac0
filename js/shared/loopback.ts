/**
 * Whether a host name or address, with or without the brackets of a URL, can be reached from this machine only. Names
 * under `localhost` are loopback too (RFC 6761 § 6.3).
 */
export function isLoopback(host: string): boolean {
  return /^(([a-z0-9-]+\.)*localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i.test(host)
}
