/**
 * Why a test cannot ask a program to end, or `false` if it can. On Windows, a signal from another process kills a
 * program at once; only a console sends Ctrl-C.
 */
export const NO_SIGNALS = process.platform === 'win32' && 'a process of Windows cannot ask another one to end'
