/** Says why none of the addresses of a name could be connected to. */

type OneError = NodeJS.ErrnoException & { readonly address?: string };

/** Gives the reason that `reasonOf` finds; of several errors, that of each address, unless all have the same. */
export function reasonOfAll(cause: Error, reasonOf: (error: OneError) => string): string {
  if (!(cause instanceof AggregateError)) return reasonOf(cause);
  const errors = cause.errors as OneError[];
  const [first = '', ...others] = new Set(errors.map(reasonOf));
  if (others.length === 0) return first;
  return errors.map((error) => `${error.address ?? '?'}: ${reasonOf(error)}`).join('; ');
}
