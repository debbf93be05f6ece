/** Serves as the example that HEDDLE_EXAMPLE names, on threads that end when a test tells them to. */
import type { ServiceThread } from 'heddle';

const { default: service } = await import(process.env['HEDDLE_EXAMPLE'] as string);

export default {
  ...service,
  start({ id }: ServiceThread) {
    const orders = new BroadcastChannel('end-of-thread');
    orders.addEventListener('message', (event) => {
      if ((event as MessageEvent).data === id) process.exit();
    });
  },
};
