import type { CustomFraming } from '../../../src/framing/framing.ts';

export declare const numbered: CustomFraming<string, string, { received: number; sent: number }>;
