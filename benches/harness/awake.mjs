/**
 * Keeps the cores from sleeping while something is measured. To wake one that sleeps takes 1 to 50 µs, by machine and
 * settings, which is as much as a call does: what is measured then is the machine. Linux lets a program ask for this,
 * and grants it for as long as the file stays open; cyclictest asks too.
 */
import { closeSync, openSync, writeSync } from 'node:fs'

/** @returns a function that ends it. Throws an error that says why it cannot be had. */
export function keepAwake(path = LATENCY) {
  let file
  try {
    file = openSync(path, 'w')
    // The longest that waking may take, in µs.
    writeSync(file, new Int32Array([0]))
  } catch (error) {
    if (file !== undefined) closeSync(file)
    throw new Error(`the cores cannot be kept awake, which takes root on Linux: ${error.message}`, { cause: error })
  }
  return () => closeSync(file)
}

/** What `act` resolves to, with the cores kept awake until then. */
export async function whileAwake(act) {
  const letSleep = keepAwake()
  try {
    return await act()
  } finally {
    letSleep()
  }
}

/** `null`, or why the cores cannot be kept awake here. */
export function whyNotAwake(path) {
  try {
    keepAwake(path)()
    return null
  } catch (error) {
    return error.message
  }
}

/** https://docs.kernel.org/power/pm_qos_interface.html */
const LATENCY = '/dev/cpu_dma_latency'
