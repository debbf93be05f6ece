/** Made of find-byte.wat by `npm run wasm`. */
export const FIND_BYTE = Buffer.from(
  'AGFzbQEAAAABCAFgA39/fwF/AhIBBmhlZGRsZQZtZW1vcnkCAAEDAgEABwgBBGZpbmQAAApLAUkCAXsBfyAA/Q8hAwJAA0AgASAC' +
    'Tg0BIAH9AAQAIAP9I/1kIQQgBARAIAEgBGhqIQQgBCACTg0CIAQPCyABQRBqIQEMAAsLQX8L',
  'base64',
);
