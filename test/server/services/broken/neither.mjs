export default { open() {} };
