/**
 * The `repository` of the packages: the one whose workflow packs them. npm accepts provenance, and trusts a workflow,
 * only if package.json names its repository. A checkout names none, because it does not know where it will be published
 * from.
 */

/**
 * @param {object} env the environment; a workflow sets GITHUB_SERVER_URL and GITHUB_REPOSITORY
 * @returns {{ type: 'git', url: string } | undefined} undefined outside of a workflow
 * @throws when they have no valid values
 */
export function repositoryOf({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env) {
  if (!server && !name) return undefined
  if (!/^https:\/\/[^/\s]+$/.test(server ?? '') || !/^[\w.-]+\/[\w.-]+$/.test(name ?? '')) {
    throw new Error(
      `GITHUB_SERVER_URL is "${server ?? ''}" and GITHUB_REPOSITORY is "${name ?? ''}": set them as a workflow does, to https://github.com and owner/name, or unset both`,
    )
  }
  return { type: 'git', url: `git+${server}/${name}.git` }
}

/**
 * A manifest with the repository of the workflow, if this is one.
 * @param {{ directory?: string, env?: object }} where `directory` is the package's folder in the repository, if it is
 * not the root
 * @throws when the manifest names another one
 */
export function withRepository(manifest, { directory, env = process.env } = {}) {
  const repository = repositoryOf(env)
  if (repository === undefined) return manifest
  const named = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url
  if (named !== undefined && named !== repository.url) {
    throw new Error(
      `package.json of ${manifest.name} names the repository ${named}, and the workflow runs in ${repository.url}, so npm would refuse it: correct "repository" in package.json, or remove it`,
    )
  }
  return { ...manifest, repository: directory === undefined ? repository : { ...repository, directory } }
}

/**
 * What prevents publishing with provenance, in one sentence; null if nothing does.
 * @param {{ name: string, repository?: { url: string } }[]} manifests as they were packed
 */
export function repositoryOffence(manifests, env = process.env) {
  const repository = repositoryOf(env)
  if (repository === undefined) {
    return 'npm accepts provenance only from a workflow: let release.yml publish, or name another registry with --registry'
  }
  const other = manifests.find((manifest) => manifest.repository?.url !== repository.url)
  if (other === undefined) return null
  const named = other.repository?.url === undefined ? 'no repository' : `the repository ${other.repository.url}`
  return `${other.name} was packed with ${named}, and the workflow runs in ${repository.url}, so npm would refuse it: let this workflow pack it, with "node scripts/release/pack.mjs"`
}
