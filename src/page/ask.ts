/** Asks the command that serves the page. */

/** The answer as JSON, to a question or, with a body, to an order. Rejects with a sentence for whoever looks at the page. */
export async function ask(token: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(path, {
    headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Error('The command heddle page does not answer.');
  });
  if (!response.ok) throw new Error(await refusalIn(response));
  return response.json();
}

export async function refusalIn(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { readonly error: { readonly message: string } }).error.message;
  } catch {
    return `The command heddle page has refused this (${response.status}).`;
  }
}
