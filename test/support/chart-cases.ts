import { stringify } from 'yaml';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { CHART_FACTORS, valuesOf } from './chart-values.ts';
import { lint, renderedIn, templateValues } from './helm.ts';
import { pairwise, type Row } from './pairwise.ts';

const AT_ONCE = 2;

/** The kinds of webhook configurations. */
export const CONFIGURATIONS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** A row of the covering set, and what the chart renders for it. */
export interface ChartCase {
  readonly row: Row;
  /** What `helm template` printed in addition to the objects. */
  readonly stderr: string;
  /** What `helm lint` printed. */
  readonly lint: string;
  readonly objects: readonly unknown[];
}

/**
 * Renders each row of the covering set of `CHART_FACTORS`.
 *
 * @throws Error - With the row, if the chart does not render.
 */
export async function chartCases(): Promise<readonly ChartCase[]> {
  const rows = [...pairwise(CHART_FACTORS)];
  const cases: ChartCase[] = [];
  const work = async (): Promise<void> => {
    for (let row = rows.shift(); row !== undefined; row = rows.shift()) cases.push(await caseOf(row));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return cases;
}

async function caseOf(row: Row): Promise<ChartCase> {
  // Helm reads YAML 1.1, in which a bare yes is no string.
  const values = stringify(valuesOf(row), { version: '1.1' });
  const [rendered, linted] = [await templateValues(values), await lint(values)];
  if (rendered.code !== 0) throw new Error(`${JSON.stringify(row)}: ${rendered.stderr}`);
  return {
    row,
    stderr: rendered.stderr,
    lint: `${linted.stdout}${linted.stderr}`,
    objects: renderedIn(rendered.stdout),
  };
}

/** Returns the objects of a kind. */
export function ofKind({ objects }: ChartCase, kind: string): readonly unknown[] {
  return objects.filter((object) => dig(object, 'kind') === kind);
}

/** Returns the name of an object. */
export function nameOf(object: unknown): string {
  return asString(dig(object, 'metadata', 'name'));
}

/** Returns the Deployment. */
export function deploymentOf(of: ChartCase): unknown {
  return ofKind(of, 'Deployment')[0];
}

/** Returns the spec of the pods. */
export function podOf(of: ChartCase): unknown {
  return dig(deploymentOf(of), 'spec', 'template', 'spec');
}

/** Returns the container of the pods. */
export function containerOf(of: ChartCase): unknown {
  return asArray(dig(podOf(of), 'containers'))[0];
}

/** Returns the arguments of the program. */
export function argumentsOf(of: ChartCase): readonly string[] {
  return asArray(dig(containerOf(of), 'args')).map(asString);
}

/** Returns the value of an option of the program, or the empty string. */
export function argumentOf(of: ChartCase, name: string): string {
  const prefix = `--${name}=`;
  return (
    argumentsOf(of)
      .findLast((arg) => arg.startsWith(prefix))
      ?.slice(prefix.length) ?? ''
  );
}

/** Returns the entries of both webhook configurations. */
export function entriesOf(of: ChartCase): readonly unknown[] {
  return CONFIGURATIONS.flatMap((kind) => asArray(dig(ofKind(of, kind)[0], 'webhooks')));
}

/** Returns the names in a list of objects with a name each. */
export function namesIn(list: unknown): readonly string[] {
  return asArray(list).map((item) => asString(dig(item, 'name')));
}

/** Reports whether labels have each of those that a selector has. */
export function matches(selector: unknown, labels: unknown): boolean {
  return Object.entries(asObject(selector)).every(([key, value]) => dig(labels, key) === value);
}
