'use strict'
require('./dist/native/node-version.js')
module.exports = require('./dist/index.js')
