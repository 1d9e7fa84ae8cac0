/**
 * A registry on loopback that has the packages it is given and those that are published to it, and nothing else.
 * Package managers use it for the scope of this project only, so it need not proxy other packages.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

/** Some package managers refuse versions that are very new. */
const PUBLISHED = '2020-01-01T00:00:00.000Z'

/**
 * @param {{ manifest: object, file: string }[]} packed
 * @returns {Promise<{ url: string, fetched: string[], close(): Promise<void> }>} `fetched` lists the packages whose
 * tarball was downloaded, by name
 */
export async function serveRegistry(packed) {
  const fetched = []
  const packages = new Map(
    packed.map(({ manifest, file }) => [manifest.name, { manifest, tarball: readFileSync(file) }]),
  )
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.slice(1))
    const [name] = path.split('/-/')
    const found = packages.get(name)
    if (request.method === 'PUT') return void publish(request, response, packages)
    if (found === undefined)
      return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
    if (path === name)
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(packument(found, urlOf(server))))
    fetched.push(name)
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: urlOf(server),
    fetched,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** `npm publish` sends the manifest, and the tarball in base64. A version that exists is not replaced. */
async function publish(request, response, packages) {
  const answer = (status) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  const body = await json(request).catch(() => null)
  const [manifest] = Object.values(body?.versions ?? {})
  const [attachment] = Object.values(body?._attachments ?? {})
  if (manifest === undefined || attachment === undefined) return answer(400)
  if (packages.get(body.name)?.manifest.version === manifest.version) return answer(409)
  packages.set(body.name, { manifest, tarball: Buffer.from(attachment.data, 'base64') })
  return answer(201)
}

/** A registry's metadata of a package. */
function packument({ manifest, tarball }, url) {
  const { name, version } = manifest
  const dist = {
    tarball: `${url}${name}/-/${name.split('/').at(-1)}-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
    shasum: createHash('sha1').update(tarball).digest('hex'),
  }
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
  }
}

function urlOf(server) {
  return `http://127.0.0.1:${server.address().port}/`
}
