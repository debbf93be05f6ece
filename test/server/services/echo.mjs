/** Replies with the message; what a message is, the server's options say. */
export default { message: (message) => message };
