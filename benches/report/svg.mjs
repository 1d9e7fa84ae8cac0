/**
 * Plots as SVG, written without a library: points on logarithmic scales are all that ratios and growth need. The herd
 * draws its plots with a Rust crate (examples/herd/plot.rs): each program draws what it has measured, so that the
 * benchmark need not compile a plotter, and the herd need not start Node.js.
 */

/** The palette of Okabe and Ito, which colour-blind readers can distinguish. */
export const COLOURS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#666666']

/**
 * One row for each name, and in it one point for each series, with a line from quartile to quartile. A line marks 1.
 *
 * `rows` is a list of names; `series` a list of `{ name, points }` with `points[row]` as `{ median, low, high }` or
 * `null`.
 */
export function dotPlot({ title, rows, series }) {
  const shown = series.filter(({ points }) => points.some((point) => point !== null))
  const scale = logScale(
    shown
      .flatMap(({ points }) => points.flatMap((point) => (point ? [point.low, point.median, point.high] : [])))
      .concat(1),
    LEFT,
    WIDTH - RIGHT,
  )
  const top = TOP + 20 * Math.ceil(shown.length / 4)
  const bottom = top + rows.length * ROW
  const grid = scale.ticks.map(
    (tick) =>
      gridLine(scale(tick), top, scale(tick), bottom, tick === 1) +
      text(scale(tick), bottom + 16, label(tick), 'middle'),
  )
  const names = rows.map(
    (name, i) =>
      gridLine(LEFT, top + i * ROW, WIDTH - RIGHT, top + i * ROW) +
      text(LEFT - 8, top + (i + 0.5) * ROW + 4, name, 'end'),
  )
  const marks = shown.flatMap(({ points }, s) =>
    points.map((point, i) => {
      if (point === null) return ''
      const y = top + (i + 0.5) * ROW + (s - (shown.length - 1) / 2) * (ROW / (shown.length + 1))
      const spread = `<line x1="${fix(scale(point.low))}" y1="${fix(y)}" x2="${fix(scale(point.high))}" y2="${fix(y)}" stroke="${COLOURS[s]}" stroke-width="2"/>`
      return `${spread}<circle cx="${fix(scale(point.median))}" cy="${fix(y)}" r="3.5" fill="${COLOURS[s]}"/>`
    }),
  )
  return document(bottom + 28, [text(LEFT, 20, title, 'start', 'bold'), ...legend(shown), ...grid, ...names, ...marks])
}

/** Lines over two logarithmic scales. `series` is a list of `{ name, points }` with points `[x, y]`. */
export function linePlot({ title, xTitle, series }) {
  const shown = series.filter(({ points }) => points.length > 0)
  const top = TOP + 20 * Math.ceil(shown.length / 4)
  const bottom = top + 260
  const x = logScale(
    shown.flatMap(({ points }) => points.map(([x]) => x)),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = logScale(
    shown.flatMap(({ points }) => points.map(([, y]) => y)),
    bottom,
    top,
  )
  const grid = [
    ...x.ticks.map(
      (tick) => gridLine(x(tick), top, x(tick), bottom) + text(x(tick), bottom + 16, label(tick), 'middle'),
    ),
    ...y.ticks.map(
      (tick) => gridLine(LEFT, y(tick), WIDTH - RIGHT, y(tick)) + text(LEFT - 8, y(tick) + 4, label(tick), 'end'),
    ),
  ]
  const lines = shown.map(({ points }, s) => {
    const path = points.map(([a, b]) => `${fix(x(a))},${fix(y(b))}`)
    const dots = path
      .map((at) => `<circle cx="${at.split(',')[0]}" cy="${at.split(',')[1]}" r="3" fill="${COLOURS[s]}"/>`)
      .join('')
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${COLOURS[s]}" stroke-width="2"/>${dots}`
  })
  return document(bottom + 44, [
    text(LEFT, 20, title, 'start', 'bold'),
    ...legend(shown),
    ...grid,
    ...lines,
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, xTitle, 'middle'),
  ])
}

/**
 * Maps values above 0 to coordinates. Its `ticks` are 1, 2 and 5 times powers of 10, or only powers if the range is
 * wide.
 */
export function logScale(values, from, to) {
  const known = values.filter((value) => value > 0)
  const low = Math.min(...known, 1e9)
  const high = Math.max(...known, low)
  const [start, end] = [Math.log10(low) - 0.05, Math.log10(high) + 0.05]
  const place = (value) => from + ((Math.log10(Math.max(value, low)) - start) / (end - start)) * (to - from)
  const decades = end - start
  const steps = decades < 2 ? [1, 2, 5] : [1]
  const stride = Math.max(1, Math.ceil(decades / 9))
  const ticks = []
  for (let power = Math.floor(start); power <= end; power += stride)
    ticks.push(...steps.map((step) => Number(`${step}e${power}`)))
  return Object.assign(place, { ticks: ticks.filter((tick) => Math.log10(tick) >= start && Math.log10(tick) <= end) })
}

function legend(series) {
  return series.map(({ name }, i) => {
    const [x, y] = [LEFT + (i % 4) * 160, 40 + 20 * Math.floor(i / 4)]
    return `<circle cx="${x + 4}" cy="${y - 4}" r="4" fill="${COLOURS[i]}"/>${text(x + 13, y, name, 'start')}`
  })
}

function document(height, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${parts.filter((part) => part !== '').join('\n')}
</svg>
`
}

function gridLine(x1, y1, x2, y2, isStrong = false) {
  return `<line x1="${fix(x1)}" y1="${fix(y1)}" x2="${fix(x2)}" y2="${fix(y2)}" stroke="${isStrong ? '#333' : '#ddd'}"/>`
}

function text(x, y, content, anchor, weight = 'normal') {
  const escaped = String(content).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}" font-weight="${weight}" fill="#222">${escaped}</text>`
}

function label(value) {
  if (value >= 1e6) return `${value / 1e6}M`
  return value >= 1e3 ? `${value / 1e3}k` : String(value)
}

function fix(value) {
  return Number(value.toFixed(1))
}

const [WIDTH, LEFT, RIGHT, TOP, ROW] = [800, 190, 24, 36, 36]
