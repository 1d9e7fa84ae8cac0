/** What the core asks the user's functions: the key, the endpoints. None of these promises ever rejects. */
import { checkKey } from '../arguments.js'
import { classOf } from '../thrown.js'
import type { NativeClient } from './binding.js'
import type { ClientErrors } from './errors.js'
import { keyOf } from './key.js'
import { optionErrorOf, type TokenFunction, type UrlFunction } from './options.js'
import { runtime } from './runtime.js'
import { endpointsReturned } from './urls.js'

/** Whose functions they are. */
export interface Asked {
  readonly native: NativeClient
  readonly errors: ClientErrors
  /** The endpoints, in the order of the core's list. */
  urls: readonly string[]
}

export async function answerToken(
  { native, errors }: Asked,
  ask: TokenFunction | null,
  connection: number,
): Promise<void> {
  errors.tokenFailure = undefined
  // What the function throws may be kept, and its stack would hold the context if that were entered below on it.
  await null
  try {
    const { token, expiresAt } = keyOf(await ask?.())
    checkKey('the key that the apiKey function returned', token)
    native.answerToken(connection, token, expiresAt)
  } catch (error) {
    errors.tokenFailure = error
    native.failToken(connection, classOf(error))
  }
}

export async function answerUrls(client: Asked, ask: UrlFunction | null, asked: number): Promise<void> {
  const { native, errors } = client
  errors.urlFailure = undefined
  // As for a token.
  await null
  try {
    const urls = endpointsReturned(await ask?.())
    urls.forEach(runtime.checkNetwork)
    if (native.answerUrls(asked, urls)) client.urls = urls
  } catch (thrown) {
    const error = optionErrorOf(thrown)
    errors.urlFailure = error
    native.failUrls(asked, classOf(error))
  }
}
