export default { message: 'hello' };
