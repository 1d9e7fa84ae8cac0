/**
 * The code of the integration guide, taken from a copy of it, and a page to run it in. The code runs unchanged; what it
 * leaves out ("… other event handlers", "Handle other message types") is composed of other blocks of the guide.
 */
import { createContext, runInContext } from 'node:vm'
import { format } from 'node:util'
import { AUTHENTICATION, CONNECTION, ERRORS, HEARTBEAT, HOOK, RECONNECTION, TOOLS } from './guide-text.mjs'
import { loadReact } from './react.mjs'

const [URL_CODE] = CONNECTION.split('// Create WebSocket connection')
const MESSAGE_CODE = piece(CONNECTION, '// Listen for messages', '// Connection closed')

function piece(code, from, to) {
  return code.slice(code.indexOf(from), code.indexOf(to))
}

/**
 * A page with only the globals that the guide's code needs, and a clock that is `speed` times as fast. `sockets`
 * contains every socket that is created; after the test all are closed, and no timer fires any more. Only a hurried
 * page also waits less for a pong.
 */
export function openGuidePage(t, { server, WebSocket, options, speed = 100, isHurried = false, globals = {} }) {
  const [sockets, lines, watchers] = [[], [], new Set()]
  let isOver = false
  // Runs before the server is closed, so that the page does not reconnect then.
  t.after(() => {
    isOver = true
    for (const socket of sockets) socket.close()
  })
  const say = (...words) => {
    lines.push(format(...words))
    for (const look of watchers) look()
  }
  const timers = new Set()
  const isPongWait = (ms) => ms === 10_000 && !isHurried
  const context = createContext({
    ...globals,
    window: { location: { protocol: 'http:', host: new URL(server.url).host } },
    WebSocket: new Proxy(WebSocket, {
      construct(Socket, args) {
        if (isOver) throw new Error('the page is closed')
        sockets.push(options === undefined ? new Socket(...args) : new Socket(...args, options))
        return sockets.at(-1)
      },
    }),
    console: { log: say, warn: say, error: say },
    // Except for the wait for a pong, unless hurried: a slow machine is not a dead one.
    setTimeout: (act, ms) => {
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          if (!isOver) act()
          for (const look of watchers) look()
        },
        isPongWait(ms) ? ms : ms / speed,
      )
      if (isPongWait(ms)) timer.unref()
      else timers.add(timer)
      return timer
    },
    clearTimeout: (timer) => {
      timers.delete(timer)
      clearTimeout(timer)
    },
    setInterval: (act, ms) => setInterval(() => !isOver && act(), ms / speed).unref(),
    clearInterval,
  })
  /** Waits until `test` is true; it is evaluated after every printed line and every timer. */
  const until = (test) =>
    new Promise((resolve) => {
      const look = () => {
        if (!test()) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })
  let read = 0
  return {
    sockets,
    lines,
    until,
    run: (code) => runInContext(code, context),
    /** The next line that matches, after the one of the last call. */
    async printed(pattern) {
      const find = () => lines.findIndex((line, index) => index >= read && pattern.test(line))
      await until(() => find() !== -1)
      read = find() + 1
      return lines[read - 1]
    },
    /** Whether no timer of the page is running. */
    isIdle: () => timers.size === 0,
  }
}

/**
 * The guide's hook in a component of React 19, in a page of its own. `until` waits for a value of the hook.
 */
export function mountGuide(t, { props = {}, ...surroundings }) {
  const { React, createRoot, flushSync } = loadReact(19)
  const { useState, useEffect, useRef, useCallback } = React
  const page = openGuidePage(t, { ...surroundings, globals: { useState, useEffect, useRef, useCallback } })
  page.run(HOOK.replace(/^import .*$/m, '').replace('export function', 'function'))
  const useMCPWebSocket = page.run('useMCPWebSocket')
  const root = createRoot(document.createElement('div'))
  let last
  let look = () => {}
  const Component = () => {
    const shown = useMCPWebSocket(props)
    useEffect(() => {
      last = shown
      look()
    })
    return null
  }
  t.after(() => root.unmount())
  flushSync(() => root.render(React.createElement(Component)))
  const until = (test) =>
    new Promise((resolve) => {
      look = () => last !== undefined && test(last) && resolve(last)
      look()
    })
  return { page, root, flushSync, until }
}

/** All sections as one program, as the guide intends. It authenticates, then calls a tool each time, and pings. */
export function runWholeGuide(page) {
  page.run(`let socket; const apiKey = 'your-api-key'; const handlers = []`)
  page.run(URL_CODE)
  for (const code of [AUTHENTICATION, HEARTBEAT]) {
    page.run(code)
    page.run('handlers.push(handleMessage)')
  }
  page.run(RECONNECTION)
  // The guide's example of a call is at the top level; here it runs after authentication.
  page.run(`
    function useTools() {
      ${TOOLS}
      return handleMessage
    }
    let handleAnswer = () => {}
    handlers.push((data) => {
      handleAnswer(data)
      if (data.id === 'auth' && data.success === true) handleAnswer = useTools()
    })
    function handleMessage(data) {
      for (const handle of handlers) handle(data)
    }
    const connectOfTheGuide = connect
    connect = () => {
      connectOfTheGuide()
      ${MESSAGE_CODE}
      ${ERRORS}
    }
    connect()
  `)
}
