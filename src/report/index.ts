import type { Format } from './format.ts';
import { github } from './github.ts';
import { json } from './json.ts';
import { sarif } from './sarif.ts';
import { text } from './text.ts';

export type { Format, FormatOptions } from './format.ts';

/** The names of the ways a report can be written. */
export const FORMAT_NAMES = ['text', 'json', 'sarif', 'github'] as const;

/** The name of a way a report can be written. */
export type FormatName = (typeof FORMAT_NAMES)[number];

/** The ways a report can be written, by name. */
export const formats: Readonly<Record<FormatName, Format>> = { text, json, sarif, github };
