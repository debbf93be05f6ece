/** Answers each line with what TLS has found out about the client. */
export default {
  framing: 'line',
  message: (_line, client) => JSON.stringify(client.tls ?? null),
};
