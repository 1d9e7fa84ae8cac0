/** The scripts of `mcp-client completion`, in the shells themselves. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { isInPath } from './helpers/browser-path.mjs'
import { runCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { startProgram } from './helpers/terminal.mjs'

const run = promisify(execFile)

/** Each: the command line that prints the completions of `words`, one a line, with the script in the file `$1`. */
const SHELLS = {
  bash: (words) =>
    `source "$1"; COMP_WORDS=(mcp-client ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
     eval "$(complete -p mcp-client | sed 's/.*-F \\([^ ]*\\).*/\\1/')"; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (words) => `source $argv[1]; complete -C "mcp-client ${words.replaceAll(`''`, '')}"`,
}

for (const shell of Object.keys(SHELLS)) {
  describe(`mcp-client completion ${shell}`, { skip: !isInPath(shell) && `${shell} is not installed` }, () => {
    async function completions(t, words) {
      const { stdout: script } = await runCli(['completion', shell])
      const folder = await folderOf(t, { script, 'notes.md': '' })
      const args =
        shell === 'bash'
          ? ['-c', SHELLS.bash(words), 'bash', join(folder, 'script')]
          : ['--no-config', '-c', SHELLS.fish(words), join(folder, 'script')]
      const { stdout, stderr } = await run(shell, args, { cwd: folder, env: { ...process.env, HOME: folder } })
      assert.equal(stderr, '')
      return stdout
        .split('\n')
        .map((line) => line.split('\t')[0])
        .filter(Boolean)
    }

    test('offers the commands', async (t) => {
      const { stdout } = await runCli(['--help'])
      const [, listed] = /\nCommands:\n([^]*?)\n\n/.exec(stdout)
      const commands = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
      const offered = await completions(t, `''`)
      for (const command of commands) assert.ok(offered.includes(command), `${command} is not in ${offered}`)
      assert.deepEqual(await completions(t, 'ser'), ['serve'])
    })

    test('offers the options of a command, and of no other', async (t) => {
      assert.deepEqual(await completions(t, 'serve --do'), ['--docs'])
      assert.deepEqual(await completions(t, 'call echo --ap'), ['--api-key'])
      assert.deepEqual(await completions(t, 'call echo --do'), [])
    })

    test('offers the values that are known, and files where a file is wanted', async (t) => {
      assert.deepEqual((await completions(t, `serve --dialect ''`)).sort(), ['event', 'guide'])
      assert.deepEqual(await completions(t, `completion z`), ['zsh'])
      assert.deepEqual(await completions(t, `serve --docs no`), ['notes.md'])
      assert.deepEqual(await completions(t, `serve --port no`), [])
    })
  })
}

describe('mcp-client completion zsh', { skip: !isInPath('zsh') && 'zsh is not installed' }, () => {
  /** What the command line has become after a tab, in an interactive shell. */
  async function completed(t, line, expected) {
    const { stdout: script } = await runCli(['completion', 'zsh'])
    const folder = await folderOf(t, { script, 'notes.md': '' })
    const terminal = startProgram(t, 'zsh', ['-f', '-i'], { cwd: folder, env: { HOME: folder, ZDOTDIR: folder } })
    terminal.type("PROMPT='> '; autoload -Uz compinit && compinit -u && source ./script; clear; echo rea'dy'\r")
    await terminal.shows(/^ready$/m)
    terminal.type(`mcp-client ${line}\t`)
    return await terminal.shows(expected)
  }

  for (const [line, expected] of [
    ['ser', /^> mcp-client serve ?$/m],
    ['', /^call +-- Call a tool.*\n(.*\n)*doctor +-- Examine/m],
    ['serve --do', /^> mcp-client serve --docs ?$/m],
    ['serve --dialect gu', /^> mcp-client serve --dialect guide ?$/m],
    ['serve --docs no', /^> mcp-client serve --docs notes\.md ?$/m],
    ['completion z', /^> mcp-client completion zsh ?$/m],
    ['call echo --ap', /^> mcp-client call echo --api-key ?$/m],
  ]) {
    test(`mcp-client ${line}`, async (t) => {
      await completed(t, line, expected)
    })
  }
})
