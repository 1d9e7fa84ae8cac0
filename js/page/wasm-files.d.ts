declare module '*.wasm' {
  const module: import('./globals.js').WasmModule
  export default module
}
