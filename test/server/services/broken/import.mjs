import missing from './there-is-no-such-file.mjs';
export default { message: () => missing };
