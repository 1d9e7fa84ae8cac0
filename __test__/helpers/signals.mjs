/**
 * Whether a test can ask a program to end. On Windows a signal from another process ends it at once; only a console
 * sends Ctrl-C.
 */
export const NO_SIGNALS = process.platform === 'win32' && 'a process of Windows cannot ask another one to end'
