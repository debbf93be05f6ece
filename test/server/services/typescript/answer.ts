export type Answer = string;
export const answer: Answer = 'typed ';
