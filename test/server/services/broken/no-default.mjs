export const message = (text) => text;
