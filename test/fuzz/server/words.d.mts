export interface Words {
  readonly way: string;
  readonly wants: number;
  readonly nonce: string;
  readonly letters: number;
}
export function lettersOf(nonce: string, length: number): Buffer<ArrayBuffer>;
export function messageOf(words: Words): Buffer<ArrayBuffer>;
export function replyOf(nonce: string, wants: number): Buffer<ArrayBuffer>;
