/** Used by tests that are not about who is let in: limits that let everyone in. */
import type { AdmissionLimits } from '../../src/acceptor/admission.ts';

export const NO_LIMITS: AdmissionLimits = {
  maxClients: Infinity,
  overflow: 'wait',
  maxClientsPerAddress: Infinity,
  allow: undefined,
  deny: undefined,
};
