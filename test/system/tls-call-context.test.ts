import { afterAll, describe, it } from 'vitest';
import { expectNobody, expectOwnSession } from '../server/who.ts';
import { Certificates } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);

describe('what is entered in an AsyncLocalStorage, under TLS,', () => {
  it('by a handler or a hook is not there for the next one', () =>
    expectNobody((running) => connectTls(running.port, authority), { tls }));

  it('by a session is there for this session only', () =>
    expectOwnSession((running) => connectTls(running.port, authority), { tls }));
});
