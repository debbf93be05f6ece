export default { message: (message) => message, framing: 'lines' };
