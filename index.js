'use strict'
require('./dist/node-version.js')
module.exports = require('./dist/index.js')
