// The service as Heddle runs it.
import { defineService } from 'heddle';
import { answer } from './answer.mjs';

export default defineService({ framing: 'line', encoding: 'utf8', message: answer });
