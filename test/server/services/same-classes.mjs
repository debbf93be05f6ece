// Says whether what this thread has of Heddle is of the classes that the service imports.
import { Counter, HeddleError, Lock } from 'heddle';

let shared;

export default {
  framing: 'line',
  start(thread) {
    shared = thread.shared;
  },
  async message(_line, client) {
    client.close();
    const error = await client.send('late').catch((reason) => reason);
    shared.classes.add(Number(shared.lock instanceof Lock));
    shared.classes.add(Number(shared.classes instanceof Counter));
    shared.classes.add(Number(error instanceof HeddleError));
  },
};
