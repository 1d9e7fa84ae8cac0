/**
 * Members of classes and objects that only the client itself uses. A bundler cannot know that, so what pages load would
 * have all these names in full. None is a name of the public types, of the platform, or of what crosses from Rust:
 * scripts/__test__/internal-names.test.mjs checks that.
 */
export const INTERNAL_NAMES = `
  Mailbox NativeClient afterBreak areSome awaitCommit beginning broke bytesCame checkNetwork closeListeners
  closeUnopened closedBefore contextOfClient decoder deliver deliverSoon dispatch dropAll emitMessage endFirstTurn
  enterContext eventNames final flushFunction hand hasAny hasItems hasRefused haveAny haveContext hear hearMessages
  hearsDials holdOpenings holdsOpenings inContext isEmpty isReplaceable itemsCame itemsWait keyOf leaveContext
  listenerCount loadBinding newest nextOutput note noteFailure noteInput noteNotice observeDial observeDials observeLog
  observeState observers partOf predecessorOf prepare proxyFailure rawListeners receiveMessage receiveNotice replay
  requestFunction routeOptions runAfterClose runApart runInAsyncScope scheduleApart setBacklog settleResults slotsOf
  sourceOf takeItem textCame textMessage tokenFailure traceCall tracesCalls urlFailure withoutZone writeBytes writeTwo
`
  .trim()
  .split(/\s+/)
