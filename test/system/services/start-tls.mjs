/** Answers lines, and begins TLS in the middle. */
let go;

const COMMANDS = {
  echo: (client, text) => client.send(`echo ${text}`),
  tls: async (client) => {
    await client.send('go');
    const tls = await client.startTls();
    await client.send(
      `${tls === client.tls} ${client.canStartTls} ${tls.servername} ${tls.alpnProtocol} ${tls.subject?.CN}`,
    );
  },
  // Sends more than the kernel takes.
  flood: async (client) => {
    void client.send('x'.repeat(5_000_000));
    await COMMANDS.tls(client);
  },
  wait: async (client) => {
    await client.send('waiting');
    await new Promise((resolve) => (go = resolve));
    await COMMANDS.tls(client);
  },
  late: async (client) => {
    await client.send('go');
    await new Promise((resolve) => (go = resolve));
    await client.startTls();
    await client.send('secured');
  },
  go: async (client) => {
    go();
    await client.send('gone');
  },
  early: async (client) => {
    await client.send('go');
    const secured = client.startTls();
    const said = await client.send('secret').catch((error) => error.message);
    await secured;
    await client.send(said);
  },
  ahead: async (client) => {
    await client.send('go');
    void client.startTls();
    await client.send(`heard ${await client.receive()}`);
  },
  close: async (client) => {
    await client.send('go');
    const secured = client.startTls();
    client.close();
    await secured;
  },
  // The end of this side goes out under TLS.
  end: async (client) => {
    await client.send('go');
    const secured = client.startTls();
    client.end();
    await secured;
  },
  refused: (client) =>
    client.startTls().then(
      () => client.send('secured'),
      (error) => client.send(`${error.code}: ${error.message}`),
    ),
};

export default {
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) {
      const [command, ...words] = line.split(' ');
      await COMMANDS[command](client, words.join(' '));
    }
  },
};
