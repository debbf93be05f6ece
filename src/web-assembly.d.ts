/** Declares what is used of WebAssembly here. TypeScript has these types in its `dom` library only, with all else that browsers have. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  const Memory: { readonly prototype: Memory; new (pages: { initial: number; maximum: number }): Memory };

  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  const Module: { new (bytes: Uint8Array): Module };

  interface Instance {
    readonly exports: object;
  }
  const Instance: { new (module: Module, imports: { heddle: { memory: Memory } }): Instance };
}
