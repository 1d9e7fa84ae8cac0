import { chromium } from 'playwright-core'
import { browserPath } from './browser-path.mjs'

/** A Chromium without a window. */
export function launchBrowser(options = {}) {
  return chromium.launch({ executablePath: browserPath(), ...options })
}
