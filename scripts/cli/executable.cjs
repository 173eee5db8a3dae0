/** Starts the command line inside of one executable file. Node 24 begins such a file with CommonJS, and ours is a module. */
const { registerHooks } = require('node:module');
const { getAsset } = require('node:sea');
const { pathToFileURL } = require('node:url');

// A path that is no file: errors show it.
const url = `${pathToFileURL(process.execPath).href}/careen.mjs`;
registerHooks({
  resolve: (name, context, next) =>
    name === url ? { url, format: 'module', shortCircuit: true } : next(name, context),
  load: (name, context, next) =>
    name === url
      ? { format: 'module', source: getAsset('careen.mjs', 'utf8'), shortCircuit: true }
      : next(name, context),
});
import(url);
