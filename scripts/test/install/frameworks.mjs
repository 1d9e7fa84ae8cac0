/** Frameworks that bundle servers: an app in each, whose route makes a call. */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { guideModule } from '../../../__test__/helpers/guide-page.mjs'
import { answersAt, searchesAt } from '../../lib/install/page.mjs'
import { fetchFrom } from '../../lib/install/served.mjs'
import { ANSWER, NAME, nodeOf } from '../../lib/install/workspace.mjs'
import { settings } from './bundlers.mjs'

export const FRAMEWORKS = [
  ...['turbopack', 'webpack'].map((bundler) => ({
    name: `Next.js with ${bundler}: a route, and the hook in a page`,
    run: (workspace) => withNext(workspace, bundler),
  })),
  ...['turbopack', 'webpack'].map((bundler) => ({
    name: `Next.js with ${bundler}, \`output: 'standalone'\` in another folder`,
    run: (workspace) => withStandaloneNext(workspace, bundler),
  })),
  { name: 'Nuxt, whose `.output` runs in another folder', run: withNuxt },
  { name: 'NestJS', run: withNest },
].map((row) => ({ group: 'Frameworks', ...row }))

/** Of the server that MCP_WS_URL names. */
const CALL = `const client = new MCPClient()
  const answer = await client.useTool('echo', { hello: 'world' })
  await client.close()`

const NEXT_APP = {
  'app/layout.jsx': `export default ({ children }) => (
  <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>
)`,
  'app/page.jsx': `'use client'
import { useEffect } from 'react'
import { useMCPWebSocket } from '${NAME}/react'
const url = () => new URLSearchParams(location.search).get('server')
export default function Page() {
  const { snapshot, authenticated, callTool } = useMCPWebSocket({ url })
  useEffect(() => {
    if (authenticated) callTool('echo', { hello: 'world' }).then((answer) => { globalThis.outcome = JSON.stringify(answer) })
  }, [authenticated, callTool])
  return <p>{\`state: \${snapshot.state}\`}</p>
}`,
  // The guide's component, with the one line that changes.
  'app/search/page.jsx': `'use client'\n${guideModule()}\nexport default WebSearchComponent`,
  'app/api/echo/route.js': `import { MCPClient } from '${NAME}'
export const dynamic = 'force-dynamic'
export async function GET() {
  ${CALL}
  return Response.json(answer)
}`,
}

const NEXT_ENV = { NEXT_TELEMETRY_DISABLED: '1' }

async function withNext(workspace, bundler) {
  const project = await builtByNext(workspace, bundler, {})
  const args = [join('node_modules', 'next', 'dist', 'bin', 'next'), 'start', '-p', 'PORT']
  await checkNext(project.folder, args, async (url) => {
    await answersAt(url)
    await searchesAt(new URL(url).port, 'search')
  })
  return `Next.js ${project.versionOf('next')}`
}

async function withStandaloneNext(workspace, bundler) {
  const project = await builtByNext(workspace, bundler, settings('next.config.mjs'))
  const elsewhere = workspace.project()
  cpSync(join(project.folder, '.next', 'standalone'), elsewhere.folder, { recursive: true })
  await checkNext(elsewhere.folder, ['server.js'])
  return `Next.js ${project.versionOf('next')}`
}

async function builtByNext(workspace, bundler, config) {
  const project = await workspace.installed({ ...NEXT_APP, ...config }, ['next', 'react', 'react-dom'])
  await project.bin('next', 'next', ['build', `--${bundler}`], { env: NEXT_ENV })
  return project
}

/** The route makes a call in Node.js; the page is rendered there, and `visit` has it make one in a browser. */
async function checkNext(folder, args, visit) {
  const paths = ['/api/echo', '/']
  const [answer, page] = await answersOf({ folder, args, ready: /Ready in/, env: NEXT_ENV, paths, visit })
  assert.equal(answer, ANSWER)
  assert.match(page, /<p>state: idle<\/p>/)
}

async function withNuxt(workspace) {
  // The newest Nuxt needs a newer Node.js than the package does.
  const { program } = await nodeOf(24)
  const project = await workspace.installed(
    {
      'nuxt.config.ts': `export default defineNuxtConfig({ telemetry: false, compatibilityDate: '2026-01-01' })`,
      'app/app.vue': '<template><p>a page</p></template>',
      'server/api/echo.ts': `import { MCPClient } from '${NAME}'
export default defineEventHandler(async () => {
  ${CALL}
  return answer
})`,
    },
    ['nuxt'],
  )
  await project.run(program, [join('node_modules', 'nuxt', 'bin', 'nuxt.mjs'), 'build'])
  const elsewhere = workspace.project()
  cpSync(join(project.folder, '.output'), elsewhere.folder, { recursive: true })
  const [answer] = await answersOf({
    folder: elsewhere.folder,
    program,
    args: [join('server', 'index.mjs')],
    ready: /Listening/,
    paths: ['/api/echo'],
  })
  assert.deepEqual(JSON.parse(answer), JSON.parse(ANSWER))
  return `Nuxt ${project.versionOf('nuxt')}`
}

async function withNest(workspace) {
  const { program } = await nodeOf(24)
  const project = await workspace.installed(
    {
      'src/main.ts': `import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { Controller, Get, Module } from '@nestjs/common'
import { MCPClient } from '${NAME}'

@Controller()
class EchoController {
  @Get('api/echo')
  async echo() {
    ${CALL}
    return answer
  }
}

@Module({ controllers: [EchoController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] })
await app.listen(Number(process.env.PORT), '127.0.0.1')
console.log('Listening')`,
      'nest-cli.json': { sourceRoot: 'src' },
      'package.json': { name: 'a-project', version: '1.0.0', private: true, type: 'module' },
      'tsconfig.json': {
        compilerOptions: {
          module: 'nodenext',
          target: 'es2023',
          rootDir: 'src',
          outDir: 'dist',
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          strict: true,
          skipLibCheck: true,
          types: ['node'],
        },
        include: ['src'],
      },
    },
    // Nest's command needs the compiler as a library, which the newest one is not.
    [
      ...['core', 'common', 'platform-express', 'cli'].map((name) => `@nestjs/${name}`),
      'reflect-metadata',
      'rxjs',
      'typescript@6',
      '@types/node',
    ],
  )
  await project.run(program, [join('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build'])
  const [answer] = await answersOf({
    folder: project.folder,
    program,
    args: [join('dist', 'main.js')],
    ready: /Listening/,
    paths: ['/api/echo'],
  })
  assert.equal(answer, ANSWER)
  return `NestJS ${project.versionOf('@nestjs/core')}`
}

/** While a server for the calls runs. */
async function answersOf(server) {
  const { MCPTestServer } = createRequire(import.meta.url)('../../../dist/testing.js')
  const platform = await MCPTestServer.listen()
  try {
    return await fetchFrom({ ...server, env: { ...server.env, MCP_WS_URL: platform.url } })
  } finally {
    await platform.close()
  }
}
