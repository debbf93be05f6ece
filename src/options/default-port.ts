/** Where a server listens that is not told where, and where a client looks for it. */
export const DEFAULT_PORT = 12345;
