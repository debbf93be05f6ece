/** Reads options from environment variables: `HEDDLE_MAX_MESSAGE_LENGTH=64KiB`. */

import type * as v from 'valibot';
import { HeddleError } from '../errors.ts';
import { escapeText } from '../log/escape.ts';
import { checkOptions } from './check.ts';
import { nearestName } from './nearest-name.ts';
import { notAnOption } from './refusal.ts';
import { optionsIn, type Schema } from './schema.ts';
import { environmentName } from './source.ts';

/**
 * What Kubernetes sets in every pod of a namespace that has a Service named `heddle`, or `heddle-` and more
 * (kubernetes.io/docs/concepts/services-networking/service, environment variables): none of it is meant for Heddle.
 */
const FOREIGN = /^HEDDLE_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_\w+)$/;
/** Such a variable may have the name of an option; its value tells: `tcp://10.96.0.12:12345`. */
const FOREIGN_PORT = /^HEDDLE_(?:\w+_)?PORT=\w+:\/\//;

/**
 * Gives the settings of the options of `schema` that `environment` has; an empty variable is absent.
 * With `others`, the schemas of other commands, a HEDDLE_ variable that is an option of none is refused; without, it is
 * left alone. Throws HEDDLE_INVALID_OPTION.
 */
export function readEnvironment<S extends Schema>(
  schema: S,
  environment: NodeJS.ProcessEnv,
  others?: readonly Schema[],
): Partial<v.InferOutput<S>> {
  const names = variablesOf(schema);
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('HEDDLE_') || value === undefined || value === '') continue;
    if (isForeign(variable, value)) continue;
    const name = names.get(variable);
    if (name !== undefined) given[name] = value;
    else if (others !== undefined && !isKnown(variable, others)) throw unknown(variable, [...names.keys()]);
  }
  return checkOptions(schema, given, { from: 'environment' });
}

function variablesOf(schema: Schema): Map<string, string> {
  return new Map(optionsIn(schema, 'environment').map(({ name }) => [environmentName(name), name]));
}

function isKnown(variable: string, schemas: readonly Schema[]): boolean {
  return schemas.some((schema) => variablesOf(schema).has(variable));
}

function isForeign(variable: string, value: string): boolean {
  return FOREIGN.test(variable) || FOREIGN_PORT.test(`${variable}=${value}`);
}

function unknown(variable: string, known: readonly string[]): HeddleError {
  return new HeddleError(
    'HEDDLE_INVALID_OPTION',
    notAnOption(escapeText(variable), nearestName(variable, known), known),
  );
}
