export function wait(line: string): Promise<string>;
