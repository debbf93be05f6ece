/** Finds the certificate for the host name that a client asks for (SNI). */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

interface Wildcard {
  /** The name with a pattern for each `*`. */
  readonly pattern: RegExp;
  readonly context: SecureContext;
}

/*
 * Node's own search takes the pair that was added last among those that fit, and minds the case of letters; names have
 * none (RFC 6066, section 3). Here an exact name beats a wildcard, and a longer wildcard a shorter one.
 */
export class ServerNames {
  readonly #exact = new Map<string, SecureContext>();
  readonly #wildcards: Wildcard[] = [];

  /** `pairs` by name; `common` is what all of them have. */
  constructor(pairs: Readonly<Record<string, SecureContextOptions>>, common: SecureContextOptions) {
    const byLength = Object.entries(pairs).toSorted(([a], [b]) => b.length - a.length);
    for (const [given, pair] of byLength) {
      const name = given.toLowerCase();
      const context = createSecureContext({ ...common, ...pair });
      if (name.includes('*')) this.#wildcards.push({ pattern: patternOf(name), context });
      else this.#exact.set(name, context);
    }
  }

  /** Gives what to show a client that asks for `name`; `undefined`: what is shown to all others. */
  find(name: string): SecureContext | undefined {
    const wanted = name.toLowerCase();
    return this.#exact.get(wanted) ?? this.#wildcards.find(({ pattern }) => pattern.test(wanted))?.context;
  }
}

/** A `*` stands for one label, or a part of one: it has no dot. */
function patternOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll(/[^\w-]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^.]+')}$`);
}
