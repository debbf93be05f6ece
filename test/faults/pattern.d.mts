export function pattern(size: number): Buffer;
