/** Takes and gives back the files that the process may have open: `take 10` leaves 10 of them, `give` closes all taken. */
import { closeSync, openSync } from 'node:fs';

const taken = [];

const commands = {
  echo: (text) => text,
  take: (left) => {
    try {
      for (;;) taken.push(openSync('/dev/null'));
    } catch (error) {
      if (error.code !== 'EMFILE') throw error;
    }
    for (const fd of taken.splice(0, Number(left))) closeSync(fd);
    return `took ${taken.length}`;
  },
  give: () => {
    for (const fd of taken.splice(0)) closeSync(fd);
    return 'gave';
  },
};

export default {
  framing: 'line',
  message(message) {
    const [name, rest] = message.toString().split(' ');
    return commands[name](rest);
  },
};
