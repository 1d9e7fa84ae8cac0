/** IPv6 addresses with a zone, which a browser does not know. */

/**
 * The zone of an IPv6 address, as `%25eth0`, apart from the rest: the standard of URLs knows none (RFC 6874 does), but
 * a link-local address leads nowhere without it.
 */
export function withoutZone(url: string): [rest: string, zone: string] {
  const found = /^([a-z][a-z0-9+.-]*:\/\/)?(\[[0-9a-f:.]+)%(?:25)?([\w.~-]+)\]/i.exec(url)
  if (found === null) return [url, '']
  const [whole, scheme = '', address, zone] = found
  return [`${scheme}${address}]${url.slice(whole.length)}`, `%25${zone}`]
}
