export default { message: (message) => message, encoding: 'latin1' };
