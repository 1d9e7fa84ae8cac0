/**
 * React 18 and 19 side by side, each with its own copy of the hook, in a page of happy-dom.
 */
import { Window } from 'happy-dom'
import { withReact } from './react-versions.mjs'

export { VERSIONS } from './react-versions.mjs'

/** The page; its location must not choose a server. */
const page = new Window({ url: 'about:blank' })
Object.assign(globalThis, { window: page, document: page.document })
globalThis.navigator ??= { userAgent: 'Node.js' }

const loaded = new Map()

/** React, its renderers and the package's hook over it. */
export function loadReact(version) {
  if (!loaded.has(version)) loaded.set(version, withReact(version, load))
  return loaded.get(version)
}

function load(require) {
  const React = require('react')
  return {
    React,
    ...require('react-dom'),
    ...require('react-dom/client'),
    ...require('react-dom/server'),
    ...require('@mcp-integration/client/react'),
  }
}

/**
 * Renders components that use the hook; they are unmounted after the test. `shown` contains the hook's value in each
 * rendering of a probe, by the probe's name.
 */
export function stage(t, version) {
  const api = loadReact(version)
  const { React, createRoot, flushSync, useMCPWebSocket } = api
  const watchers = new Set()
  const shown = new Map()
  const roots = new Set()

  function Probe({ name = 'probe', children = null, ...options }) {
    const value = useMCPWebSocket(options)
    React.useEffect(() => {
      if (!shown.has(name)) shown.set(name, [])
      shown.get(name).push(value)
      for (const watch of [...watchers]) watch()
    })
    return React.createElement('p', null, `${name}: ${value.snapshot.state} ${value.error?.message ?? ''}`, children)
  }

  t.after(() => {
    for (const root of roots) root.unmount()
  })

  return {
    ...api,
    Probe,
    probe: (props, ...children) => React.createElement(Probe, props, ...children),
    /** A new root. When `render` returns, everything is rendered and effects have run. */
    root(options) {
      const container = document.createElement('div')
      const root = createRoot(container, options)
      roots.add(root)
      return {
        container,
        render: (element) => flushSync(() => root.render(element)),
        unmount() {
          roots.delete(root)
          flushSync(() => root.unmount())
        },
      }
    },
    /** The hook's value in the last rendering of a probe. */
    last: (name = 'probe') => shown.get(name)?.at(-1),
    history: (name = 'probe') => shown.get(name) ?? [],
    /** Waits until `test` is true for the hook's value in a probe; resolves with the value. */
    until(test, name = 'probe') {
      return new Promise((resolve) => {
        const watch = () => {
          const value = shown.get(name)?.at(-1)
          if (value === undefined || !test(value)) return
          watchers.delete(watch)
          resolve(value)
        }
        watchers.add(watch)
        watch()
      })
    },
  }
}

/** Whether the hook's value says ready. */
export const isReady = ({ snapshot }) => snapshot.state === 'ready'
