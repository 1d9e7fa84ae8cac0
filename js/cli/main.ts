#!/usr/bin/env node
/**
 * `mcp-client`. The program itself is in a file of its own, because an old Node.js that cannot parse that shall be told
 * so.
 */
import '../native/node-version.js'
import './program.js'
