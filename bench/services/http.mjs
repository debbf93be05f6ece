/** The HTTP server of the question `streams`, as a service; `bench/peers/node-http.mjs` is the same without Heddle. */
import { createServer } from 'node:http';
import { httpService } from 'heddle/http';

export default httpService(createServer((_request, response) => response.end('hello\n')));
