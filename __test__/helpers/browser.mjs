import { chromium } from 'playwright-core'
import { browserPath } from './browser-path.mjs'

/** Starts a headless Chromium. */
export function launchBrowser(options = {}) {
  return chromium.launch({ executablePath: browserPath(), ...options })
}
