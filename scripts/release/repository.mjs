/**
 * `repository` of the packages: where the workflow runs that packs them. npm takes provenance, and trusts a workflow,
 * only if that is what package.json says. A checkout does not know where it will be published from, and so does not
 * say.
 */

/**
 * @param {object} env the environment; a workflow has GITHUB_SERVER_URL and GITHUB_REPOSITORY in it
 * @returns {{ type: 'git', url: string } | undefined} nothing outside of a workflow
 * @throws when they are not what a workflow has
 */
export function repositoryOf({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env) {
  if (!server && !name) return undefined
  if (!/^https:\/\/[^/\s]+$/.test(server ?? '') || !/^[\w.-]+\/[\w.-]+$/.test(name ?? '')) {
    throw new Error(
      `GITHUB_SERVER_URL is "${server ?? ''}" and GITHUB_REPOSITORY is "${name ?? ''}": set them as a workflow has them, https://github.com and owner/name, or unset both`,
    )
  }
  return { type: 'git', url: `git+${server}/${name}.git` }
}

/**
 * A manifest with the repository of the workflow, if this is one.
 * @param {{ directory?: string, env?: object }} where `directory` is the folder of the package in the repository,
 * unless that is its root
 * @throws when the manifest names another one
 */
export function withRepository(manifest, { directory, env = process.env } = {}) {
  const repository = repositoryOf(env)
  if (repository === undefined) return manifest
  const named = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url
  if (named !== undefined && named !== repository.url) {
    throw new Error(
      `package.json of ${manifest.name} names the repository ${named}, and the workflow runs in ${repository.url}: npm would refuse it; correct package.json, or leave "repository" out`,
    )
  }
  return { ...manifest, repository: directory === undefined ? repository : { ...repository, directory } }
}

/**
 * What is in the way of publishing with provenance, in a sentence; null if nothing is.
 * @param {{ name: string, repository?: { url: string } }[]} manifests as they were packed
 */
export function repositoryOffence(manifests, env = process.env) {
  const repository = repositoryOf(env)
  if (repository === undefined) {
    return 'this is no workflow, and npm takes provenance from nothing else: let release.yml publish, or name another registry with --registry'
  }
  const other = manifests.find((manifest) => manifest.repository?.url !== repository.url)
  if (other === undefined) return null
  const named = other.repository?.url === undefined ? 'no repository' : `the repository ${other.repository.url}`
  return `${other.name} was packed with ${named}, and the workflow runs in ${repository.url}, so npm would refuse it: let this workflow pack it, with "node scripts/release/pack.mjs"`
}
