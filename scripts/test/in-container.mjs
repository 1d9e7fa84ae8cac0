/**
 * `node scripts/test/in-container.mjs IMAGE PLATFORM FOLDER`: runs scripts/test/packed.mjs in a container of an image
 * such as `node:24-alpine`, on a platform such as `linux/amd64`. The project is mounted read-only. Needs docker.
 */
import { execFileSync } from 'node:child_process'
import { ROOT } from '../lib/root.mjs'

const [image, platform, folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node scripts/test/in-container.mjs IMAGE PLATFORM FOLDER')

// No runner has such a processor.
if (platform === 'linux/arm/v7') run('sudo', 'apt-get', 'install', '--yes', 'qemu-user-static')
run(
  'docker',
  'run',
  '--rm',
  '--platform',
  platform,
  '--volume',
  `${ROOT}:/project:ro`,
  '--workdir',
  '/project',
  image,
  'node',
  'scripts/test/packed.mjs',
  folder,
)

function run(command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit' })
}
