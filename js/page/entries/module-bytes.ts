import { MODULE_TEXT } from './module-text.js'

/** The module that is in the code. */
export function moduleBytes(): Uint8Array {
  return Uint8Array.from(atob(MODULE_TEXT), (character) => character.charCodeAt(0))
}
