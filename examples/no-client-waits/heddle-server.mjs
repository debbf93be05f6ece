// Serves it with Heddle.
import { serve } from 'heddle';

const server = await serve({ service: new URL('service.mjs', import.meta.url), host: '127.0.0.1', port: 0 });
process.once('disconnect', () => process.exit());
process.send(server.address.port);
