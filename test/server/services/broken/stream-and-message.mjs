export default { message() {}, stream() {} };
