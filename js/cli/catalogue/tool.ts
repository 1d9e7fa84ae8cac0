/** A tool, as hosts are told of it and as types are made of it. */

export interface Tool {
  /** The name by which the platform knows it. */
  readonly name: string
  /** The name by which hosts know it: the same, if MCP allows it. */
  readonly hostName: string
  readonly description: string | undefined
  /** Of its parameters; it is one that can be relied on, see {@link usableSchema}. */
  readonly inputSchema: ObjectSchema
  /** Of its results. Only a tools file has it. */
  readonly outputSchema: Schema | undefined
  /** What a host may assume of it. Only a tools file is trusted to say so. */
  readonly annotations: Annotations | undefined
  /** Running it twice does no harm. */
  readonly isIdempotent: boolean
}

/** The annotations of MCP. */
export interface Annotations {
  readonly title?: string
  readonly readOnlyHint?: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint?: boolean
}

/** A JSON Schema. */
export type Schema = boolean | Readonly<Record<string, unknown>>

/** A JSON Schema of an object. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly [keyword: string]: unknown
}

/** Where tools come from. */
export type Source = 'the tools file' | "the platform's descriptions" | "the platform's status"

/** All tools of one source. */
export interface Catalogue {
  readonly tools: readonly Tool[]
  /** `undefined` if no source has any. */
  readonly source: Source | undefined
  /** What was changed or left out, a sentence each. */
  readonly notes: readonly string[]
}
