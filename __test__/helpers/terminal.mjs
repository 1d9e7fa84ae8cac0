/** `mcp-client` in a terminal: a real pseudo-terminal, and an emulator that knows what a user would see. */
import { spawn } from '@lydell/node-pty'
import headless from '@xterm/headless'
import { MAIN } from './cli.mjs'

/** ms; a test that waits longer for its screen has failed. */
const FAR_TOO_LONG = 20_000

/**
 * Starts `mcp-client` in a terminal of this size, without the server and the key of the tests' own environment, and
 * without `CI`, in which nothing moves.
 */
export function startInTerminal(t, args, options) {
  return startProgram(t, process.execPath, [MAIN, ...args], options)
}

/** Starts any program in a terminal of this size. */
export function startProgram(t, program, args, { columns = 80, rows = 24, env = {}, cwd = process.cwd() } = {}) {
  const {
    MCP_WS_URL: _url,
    MCP_API_KEY: _key,
    CI: _ci,
    NO_COLOR: _colours,
    FORCE_COLOR: _forced,
    ...clean
  } = process.env
  // What becomes TERM.
  const name = env.TERM ?? 'xterm-256color'
  const child = spawn(program, args, { cols: columns, rows, name, env: { ...clean, ...env }, cwd })
  const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1_000 })
  const waiting = new Set()
  let output = ''
  child.onData((data) => {
    output += data
    terminal.write(data, () => {
      for (const look of waiting) look()
    })
  })
  // What a program asks the terminal, such as where the cursor is.
  terminal.onData((answer) => child.write(answer))
  const ended = new Promise((resolve) =>
    // When all that it has written is on the screen.
    child.onExit(({ exitCode: code, signal }) => terminal.write('', () => resolve({ code, signal }))),
  )
  t.after(() => {
    try {
      child.kill('SIGKILL')
    } catch {
      // It has ended already.
    }
  })
  const screen = () => linesOf(terminal, terminal.buffer.active.baseY)
  return {
    pid: child.pid,
    ended,
    /** The lines that are seen now, without blanks at their ends. */
    screen,
    /** All lines since the start, those that have left the screen too. */
    all: () => linesOf(terminal, 0),
    /** The screen as runs of characters that look the same, line by line, to be drawn. */
    cells: () => cellsOf(terminal),
    /** Everything that was written, escape sequences included. */
    output: () => output,
    /** The alternate screen is shown, as editors do. */
    isFullScreen: () => terminal.buffer.active.type === 'alternate',
    type: (keys) => child.write(keys),
    resize(columns, rows) {
      child.resize(columns, rows)
      terminal.resize(columns, rows)
    },
    /** Resolves with the screen when `pattern` is on it. */
    async shows(pattern) {
      let look
      const shown = new Promise((resolve, reject) => {
        look = () => pattern.test(screen().join('\n')) && resolve(screen())
        const fail = (why) => reject(new Error(`${why} before it showed ${pattern}:\n${screen().join('\n')}`))
        setTimeout(fail, FAR_TOO_LONG, 'the time was over').unref()
        void ended.then(({ code }) => fail(`it ended with ${code}`))
      })
      waiting.add(look)
      look()
      try {
        return await shown
      } finally {
        waiting.delete(look)
      }
    },
  }
}

function linesOf(terminal, from) {
  const { active } = terminal.buffer
  const lines = Array.from({ length: active.length - from }, (_, row) =>
    active.getLine(from + row).translateToString(true),
  )
  while (lines.at(-1) === '') lines.pop()
  return lines
}

function cellsOf(terminal) {
  const { active } = terminal.buffer
  const lines = Array.from({ length: terminal.rows }, (_, row) => runsOf(active.getLine(active.baseY + row)))
  while (lines.at(-1)?.every(({ text }) => text.trim() === '')) lines.pop()
  return lines
}

function runsOf(line) {
  const runs = []
  for (let column = 0; column < line.length; column += 1) {
    const cell = line.getCell(column)
    const look = {
      colour: cell.isFgPalette() ? cell.getFgColor() : -1,
      isBold: Boolean(cell.isBold()),
      isDim: Boolean(cell.isDim()),
      isInverse: Boolean(cell.isInverse()),
    }
    const last = runs.at(-1)
    // The second half of a wide character has no text.
    const text = cell.getWidth() === 0 ? '' : cell.getChars() || ' '
    if (last && Object.keys(look).every((name) => look[name] === last[name])) last.text += text
    else runs.push({ ...look, text })
  }
  return runs
}
