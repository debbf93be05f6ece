/** Defines the default port: where a server listens, and where a client looks for it. */
export const DEFAULT_PORT = 12345;
