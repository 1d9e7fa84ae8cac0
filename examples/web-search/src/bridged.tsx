/** The page in a browser: its client is in the Node.js process that it was loaded from. */
import { connectBridge } from '@mcp-integration/client/bridge'
import { showPage } from './show-page'

showPage(() => connectBridge('/bridge'))
