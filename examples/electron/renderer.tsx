/** The page of the web-search example in a window: its client is in the main process. */
import { connectMain } from '@mcp-integration/client/electron/renderer'
import { showPage } from '../web-search/src/show-page'

showPage(connectMain)
