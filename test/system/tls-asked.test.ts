import { afterAll, describe } from 'vitest';
import { askedCases } from '../server/asked-cases.ts';
import { Certificates } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);

describe('what a service asks of a client under TLS', () => {
  askedCases({ options: { tls }, resets: false, dial: ({ port }) => connectTls(port, authority) });
});
