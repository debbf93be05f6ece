/** Sends back bodies of any length, as they come: a line `LENGTH`, then so many bytes. */
export default {
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) await client.sendAll(client.body(Number(line)));
  },
};
