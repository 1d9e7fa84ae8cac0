/** How a command fails, besides an error of any other class: exit code 1, and its message on standard error. */

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command has printed what failed: exit code 1, and nothing more is printed. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'
}
