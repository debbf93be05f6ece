/** Changes borrowed bytes in place, and keeps the message before to show whose memory it was. */
export default {
  framing: 'line',
  borrow: true,
  message: (message) => message.fill(message.length === 3 ? 'x' : 'y'),
};
