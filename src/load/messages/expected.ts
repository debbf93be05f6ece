/** Defines what a right reply is. An expectation is plain data, which each generator thread gets. */

/**
 * `same`: the text, in which fields such as `{nonce}` stand for those of the message. `length`: as many bytes as the message.
 * `module`: what a function of the user's says. `none`: replies are only counted.
 */
export type Expected =
  | { readonly kind: 'echo' | 'reverse' | 'upper' | 'lower' | 'length' | 'none' }
  | { readonly kind: 'same'; readonly text: string }
  | { readonly kind: 'pattern'; readonly source: string; readonly flags: string }
  | { readonly kind: 'module'; readonly href: string };

/** Whether a reply is right: `true`, or `false` or a text that says why not. */
export type Judgement = boolean | string;

/** Judges a reply by the message; the bytes are good until it returns. */
export type ReplyCheck = (message: Buffer, reply: Buffer) => Judgement;
