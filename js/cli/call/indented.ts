/** Indents JSON as `JSON.stringify(value, null, 2)` does, but keeps every digit of numbers. */

/** @param json - valid JSON */
export function indented(json: string): string {
  let [text, previous, depth] = ['', '', 0]
  for (const token of tokensOf(json)) {
    const isEnd = token === '}' || token === ']'
    if (isEnd) depth -= 1
    text += separator(previous, isEnd, depth) + (token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token)
    if (isBegin(token)) depth += 1
    previous = token
  }
  return text
}

function separator(previous: string, isEnd: boolean, depth: number): string {
  if (previous === ':') return ' '
  const isOnNewLine = isBegin(previous) ? !isEnd : isEnd || previous === ','
  return isOnNewLine && depth <= MOST_INDENTED ? `\n${'  '.repeat(depth)}` : ''
}

function isBegin(token: string): boolean {
  return token === '{' || token === '['
}

function* tokensOf(json: string): Generator<string> {
  for (let at = 0; at < json.length; ) {
    const end = endOfToken(json, at)
    if (end > at) yield json.slice(at, end)
    at = Math.max(end, at + 1)
  }
}

/** The end of the token that begins here; `start` itself for white space. */
function endOfToken(json: string, start: number): number {
  const first = json[start]!
  if (first === '"') return endOfString(json, start)
  if ('{}[],:'.includes(first)) return start + 1
  let end = start
  while (end < json.length && !' \t\r\n{}[],:"'.includes(json[end]!)) end += 1
  return end
}

// Without a regular expression, which would overflow the stack for a string of some MB.
function endOfString(json: string, start: number): number {
  let end = start + 1
  while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1
  return end + 1
}

/** Deeper levels stay on one line: otherwise a server could make gigabytes of text out of some thousand brackets. */
const MOST_INDENTED = 100
