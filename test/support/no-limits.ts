/** Lets everyone in, for tests that are not about admission. */
import type { AdmissionLimits } from '../../src/acceptor/admission.ts';

export const NO_LIMITS: AdmissionLimits = {
  maxClients: Infinity,
  overflow: 'wait',
  maxClientsPerAddress: Infinity,
  allow: undefined,
  deny: undefined,
};
