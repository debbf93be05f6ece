export default { message: (message) => message, async session() {} };
