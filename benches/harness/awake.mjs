/**
 * Keeps the cores from sleeping during a measurement. Waking a core takes 1 to 50 µs, depending on machine and
 * settings. A call takes as long, so otherwise the measurement is about the machine. Linux keeps the cores awake while
 * a program holds a certain file open; cyclictest uses it too.
 */
import { closeSync, openSync, writeSync } from 'node:fs'

/**
 * @returns a function that lets the cores sleep again
 * @throws Error that says why the cores cannot be kept awake
 */
export function keepAwake(path = LATENCY) {
  let file
  try {
    file = openSync(path, 'w')
    // The longest time that waking may take, in µs.
    writeSync(file, new Int32Array([0]))
  } catch (error) {
    if (file !== undefined) closeSync(file)
    throw new Error(`the cores cannot be kept awake, which needs root on Linux: ${error.message}`, { cause: error })
  }
  return () => closeSync(file)
}

/** Keeps the cores awake until `act` has settled; resolves with its value. */
export async function whileAwake(act) {
  const letSleep = keepAwake()
  try {
    return await act()
  } finally {
    letSleep()
  }
}

/** Why the cores cannot be kept awake, or `null` if they can. */
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
