import type { Format } from './format.ts';
import { github } from './github.ts';
import { json } from './json.ts';
import { sarif } from './sarif.ts';
import { text } from './text.ts';

export type { Format, FormatOptions } from './format.ts';

/** The names of the report formats. */
export const FORMAT_NAMES = ['text', 'json', 'sarif', 'github'] as const;

/** The name of a report format. */
export type FormatName = (typeof FORMAT_NAMES)[number];

/** The report formats by name. */
export const formats: Readonly<Record<FormatName, Format>> = { text, json, sarif, github };
