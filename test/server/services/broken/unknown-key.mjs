export default { message: (message) => message, mesage: 1 };
