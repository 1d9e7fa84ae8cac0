#!/usr/bin/env node
/** `mcp-client`. The program is in another file, so that a Node.js that cannot parse it gets a clear error first. */
import '../native/node-version.js'

void import('./program.mjs')
