export default { framing: 'line', stream() {} };
