import { parseGoDuration } from '../world/duration.ts';
import { suggestDuration } from '../world/duration-hint.ts';
import type { SourceObject } from '../world/manifests.ts';
import { keyFor, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { at, pointer, renderPath, type Path } from '../world/path.ts';
import { asArray, dig, optionalNumber, optionalString, asString } from '../world/read.ts';
import { defineDocumentCheck, type ReportDocument } from './define.ts';
import { requiredWithoutNulls, servedInstead, type Inspection, type Schema, type SchemaError } from './models.ts';

const MESSAGES = {
  type: {
    class: 'invalid',
    text: '{place} must be {expected}, not {actual}',
    fix: 'use {expected}',
  },
  unquoted: {
    class: 'invalid',
    text: '{place} must be {expected}, not {actual}',
    fix: 'put the value in quotes',
  },
  duration: {
    class: 'invalid',
    text: '{place} must be a duration with a unit, not {actual}',
    fix: 'write {seconds}, if seconds are meant',
  },
  pause: {
    class: 'invalid',
    text: '{place} must be an object, not {actual}',
    fix: 'write {instead}',
  },
  quoted: {
    class: 'invalid',
    text: '{place} must be {expected}, not {actual}',
    fix: 'remove the quotes',
  },
  empty: {
    class: 'invalid',
    text: '{place} must be {expected}, but is empty',
    fix: 'set a value, or remove the line',
  },
  dropped: {
    class: 'advice',
    text: '{place} is empty, which counts as not set',
    fix: 'set a value, or remove the line',
  },
  required: {
    class: 'invalid',
    text: '{place} does not have the required field "{field}"',
    fix: 'add it',
  },
  value: {
    class: 'advice',
    text: '{place} {problem}, according to the schema of {schema}',
    fix: 'correct it, unless the installed version allows it',
  },
  ports: {
    class: 'invalid',
    text: '{place} has both name and number, which the API server rejects',
    fix: 'keep one of them',
  },
  hosts: {
    class: 'invalid',
    text: 'VirtualService "{name}" has {others}, which is not allowed without hosts',
    fix: 'add hosts, the names that clients call (usually the Service)',
  },
  delegate: {
    class: 'advice',
    text: 'VirtualService "{name}" has no hosts, so it has no effect unless another VirtualService delegates to it',
    fix: 'add hosts, unless it is a delegate',
  },
  version: {
    class: 'advice',
    text: '{kind} "{name}" has apiVersion "{apiVersion}", which no current release serves for this kind, so kubectl finds no match',
    fix: 'write {instead}, unless the cluster serves this one',
  },
  name: {
    class: 'advice',
    text: 'this {kind} has no name, so kubectl and the API server reject it',
    fix: 'set metadata.name, unless another tool sets it',
  },
  large: {
    class: 'advice',
    text: '{kind} "{name}" has more than 20,000 values, so types and fields were not checked',
    fix: 'split it up',
  },
} as const;

type Report = ReportDocument<typeof MESSAGES>;

/** Checks types and required fields as the API server does. */
export const schema = defineDocumentCheck({
  id: 'schema',
  summary: 'Values have the types that their fields expect, and required fields are set.',
  explanation:
    'The API server rejects an object that does not fit the schema of its kind, but by then a bundle is often ' +
    'partly applied. Rollgate checks manifests against the compiled schemas of @kubernetes-models (Argo Rollouts, ' +
    'Istio, Gateway API), for the apiVersions that these have. For Service, Deployment and Ingress it checks only ' +
    'the types. It reports nothing if such a schema is stricter than the API server. The API server drops a null ' +
    'field of a custom resource, so it counts as absent. What newer versions may allow (more values, larger ' +
    'numbers) is only advice. So is an apiVersion that no current release serves for a kind, and an object without a name. A VirtualService without hosts is valid only as a delegate, without gateways, tls ' +
    'and tcp. Source: Istio 1.29, pkg/config/validation; Kubernetes v1.34, pkg/apis/networking/validation.',
  messages: MESSAGES,
  check({ sources, inspect }, report) {
    const delegates = delegatesIn(sources);
    for (const source of sources) {
      const inspection = inspect(source);
      if (inspection === 'too large') {
        const { kind, metadata } = source.object;
        report('large', { source, path: [], anchor: '', data: { kind, name: metadata.name } });
      } else if (inspection !== undefined) {
        for (const error of certainErrors(inspection)) reportError(report, source, inspection, error);
      } else checkVersion(report, source);
      checkName(report, source);
      if (kindOf(source.object) === 'Ingress.networking.k8s.io') checkPorts(report, source);
      if (kindOf(source.object) === 'VirtualService.networking.istio.io') checkHosts(report, source, delegates);
    }
  },
});

function checkVersion(report: Report, source: SourceObject): void {
  const { apiVersion, kind, metadata } = source.object;
  const instead = servedInstead(apiVersion, kind);
  if (instead === undefined) return;
  const data = { kind, name: metadata.name, apiVersion, instead };
  report('version', { source, path: ['apiVersion'], anchor: apiVersion, data });
}

function checkName(report: Report, source: SourceObject): void {
  const { kind, metadata } = source.object;
  const named = metadata.name !== '' || asString(metadata['generateName']) !== '';
  if (!named && kindOf(source.object) !== undefined)
    report('name', { source, path: ['metadata', 'name'], anchor: '', data: { kind } });
}

// Keywords that restrict a value in other ways than by its type.
const VALUE_KEYWORDS: ReadonlySet<string> = new Set([
  'enum',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
]);

/** A schema error that is certain enough to report, and all types that would be valid. */
type CertainError = SchemaError & { readonly types: readonly string[] };

function certainErrors({ schema, errors: all }: Inspection): CertainError[] {
  const newer = all.filter((error) => !isWithinNewerLimit(schema.kind, error));
  // Some validators check a field twice.
  const errors = [
    ...new Map(newer.map((error) => [JSON.stringify([error.path, error.keyword, error.params]), error])).values(),
  ];
  const byPlace = Map.groupBy(errors, ({ path }) => JSON.stringify(path));
  // If a value must have one of several forms, each form that it does not have adds errors to it and to its fields.
  const forms = new Set([...byPlace].filter(([, here]) => here.some(isChoice)).map(([place]) => place));
  return [...byPlace.values()].flatMap((here): CertainError[] => {
    const [first] = here;
    if (first === undefined || first.path.some((_, length) => forms.has(JSON.stringify(first.path.slice(0, length)))))
      return [];
    if (here.some(isChoice)) {
      // A fraction is not a whole number, whatever its format.
      const isFraction = here.some((error) => typeOf(error) === 'integer');
      const alternatives = here.filter((error) => !isChoice(error) && !(isFraction && error.keyword === 'format'));
      const types = [...new Set(alternatives.map(typeOf))];
      return types.includes('') || types.length === 0 ? [] : ifCertain({ ...first, types }, schema.custom);
    }
    return here.flatMap((error) =>
      ifCertain(
        { ...error, types: error.keyword === 'type' ? [error.params['type']].flat().map(asString) : [] },
        schema.custom,
      ),
    );
  });
}

// From the experimental channel of Gateway API 1.5, which the package does not include.
const NEWER_VALUES: ReadonlySet<unknown> = new Set(['ExternalAuth']);

// Gateway API 1.6 raised this limit.
const MAX_TLS_HOSTNAMES = 1024;

function isWithinNewerLimit(kind: string, { path, keyword, value }: SchemaError): boolean {
  return (
    kind === 'TLSRoute' &&
    keyword === 'maxItems' &&
    path.join('.') === 'spec.hostnames' &&
    asArray(value).length <= MAX_TLS_HOSTNAMES
  );
}

function isChoice({ keyword }: SchemaError): boolean {
  return keyword === 'oneOf' || keyword === 'anyOf' || keyword === 'not';
}

function typeOf({ keyword, params }: SchemaError): string {
  return keyword === 'type' ? asString(params['type']) : '';
}

function ifCertain(error: CertainError, custom: boolean): CertainError[] {
  const { path, value, keyword, types } = error;
  if (path[0] === 'status') return [];
  if (path[0] === 'metadata' && path[1] !== 'labels' && path[1] !== 'annotations') return [];
  if (keyword !== 'type') {
    // The schema gives such a field a default, or its type does not allow null.
    if (value === null) return [];
    return custom && path[0] !== 'metadata' && isReported(error) ? [error] : [];
  }
  // Null counts as absent in a built-in kind, and in labels and annotations.
  if (value === null && (!custom || path.includes('metadata'))) return [];
  return types.includes('') ? [] : [error];
}

function isReported({ path, keyword, value }: SchemaError): boolean {
  if (keyword === 'required') return true;
  const isLater = keyword === 'enum' && isDecidedLater(path, value);
  return VALUE_KEYWORDS.has(keyword) && !NEWER_VALUES.has(value) && !isLater;
}

// The definitions of Argo Rollouts allow any text in a Job. The controller fills in placeholders before it creates the
// Job, and analysis-provider denies what the API server would then reject of restartPolicy.
function isDecidedLater(path: Path, value: unknown): boolean {
  return path.includes('job') && (asString(value).includes('{{') || path.at(-1) === 'restartPolicy');
}

function reportError(report: Report, source: SourceObject, { schema }: Inspection, error: CertainError): void {
  const { path, value, keyword, params } = error;
  const place = path.length === 0 ? `the ${schema.kind}` : renderPath(path);
  const anchor = path.filter((part) => typeof part === 'string').join('.');
  if (keyword === 'required') {
    const field = asString(params['missingProperty']);
    report('required', { source, path: [...path, field], anchor: `${anchor}.${field}`, data: { place, field } });
  } else if (keyword === 'type') {
    const expected = expectation(error.types);
    if (value === null && isDropped(schema, source, path)) report('dropped', { source, path, anchor, data: { place } });
    else if (value === null) report('empty', { source, path, anchor, data: { place, expected } });
    else if (isDuration(path) && typeof value === 'number' && expected === 'a string')
      report('duration', {
        source,
        path,
        anchor,
        data: { place, actual: describe(value), seconds: `${value}s` },
      });
    else if (isPause(schema, path))
      report('pause', { source, path, anchor, data: { place, actual: describe(value), instead: pauseFor(value) } });
    else
      report(typeMessage(value, error.types), {
        source,
        path,
        anchor,
        data: { place, expected, actual: describe(value) },
      });
  } else {
    report('value', { source, path, anchor, data: { place, problem: problemOf(error), schema: schema.title } });
  }
}

// The API server drops null fields of a custom resource before it checks required fields. It keeps null elements of a
// list.
function isDropped(schema: Schema, { object }: SourceObject, path: Path): boolean {
  const field = path.at(-1);
  return schema.custom && typeof field === 'string' && !requiredWithoutNulls(schema, object).has(pointer(path));
}

function isPause({ kind }: Schema, path: Path): boolean {
  return kind === 'Rollout' && path.at(-3) === 'steps' && path.at(-1) === 'pause';
}

function pauseFor(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const isValid = /^\d{1,9}$/.test(text) || (parseGoDuration(text) ?? -1) >= 0;
  const duration = isValid ? text : suggestDuration(text);
  return duration === undefined
    ? 'pause: {} to wait for a manual promotion, or a duration such as pause: {duration: 10m}'
    : `pause: {duration: ${duration}}`;
}

const DURATIONS: ReadonlySet<unknown> = new Set([
  'interval',
  'initialDelay',
  'duration',
  'step',
  'timeout',
  'requestTimeout',
  'perTryTimeout',
  'connectTimeout',
  'idleTimeout',
  'baseEjectionTime',
  'fixedDelay',
]);

function isDuration(path: Path): boolean {
  return DURATIONS.has(path.at(-1)) && !path.includes('metadata');
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function expectation(types: readonly string[]): string {
  return types.map((type) => TYPE_WORDS[type] ?? type).join(' or ');
}

function typeMessage(value: unknown, types: readonly string[]): 'type' | 'unquoted' | 'quoted' {
  if (types.length === 1 && types[0] === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return 'unquoted';
  if (typeof value !== 'string' || types.includes('string')) return 'type';
  const isBoolean = types.includes('boolean') && (value === 'true' || value === 'false');
  const isNumber =
    (types.includes('integer') && /^-?\d+$/.test(value)) || (types.includes('number') && /^-?\d+(\.\d+)?$/.test(value));
  return isBoolean || isNumber ? 'quoted' : 'type';
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `the string "${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `the boolean ${value}`;
  return Array.isArray(value) ? 'a list' : 'an object';
}

function problemOf({ keyword, params, message, value }: SchemaError): string {
  const is = typeof value === 'string' || typeof value === 'number' ? `is ${JSON.stringify(value)}, but ` : '';
  if (keyword === 'enum') return `${is}must be one of ${asArray(params['allowedValues']).map(String).join(', ')}`;
  return `${is}${message}`;
}

// The schema cannot say that the two exclude each other.
function checkPorts(report: Report, source: SourceObject): void {
  const { object } = source;
  const paths: Path[] = [['spec', 'defaultBackend']];
  for (const [rule, entry] of asArray(dig(object, 'spec', 'rules')).entries())
    for (const path of asArray(dig(entry, 'http', 'paths')).keys())
      paths.push(['spec', 'rules', rule, 'http', 'paths', path, 'backend']);
  for (const backend of paths) {
    const path = [...backend, 'service', 'port'];
    const port = at(object, path);
    // An empty name and the number 0 count as not set.
    if (optionalString(dig(port, 'name')) === undefined || (optionalNumber(dig(port, 'number')) ?? 0) === 0) continue;
    const anchor = `ports of ${asString(dig(at(object, backend), 'service', 'name'))}`;
    report('ports', { source, path, anchor, data: { place: renderPath(path) } });
  }
}

function checkHosts(report: Report, source: SourceObject, delegates: ReadonlySet<ObjectKey>): void {
  const { object } = source;
  const hosts = dig(object, 'spec', 'hosts');
  if ((hosts !== undefined && hosts !== null && !Array.isArray(hosts)) || asArray(hosts).length > 0) return;
  const { name } = object.metadata;
  const path = ['spec', 'hosts'];
  const others = ['gateways', 'tls', 'tcp'].filter((field) => asArray(dig(object, 'spec', field)).length > 0);
  if (others.length > 0) report('hosts', { source, path, anchor: 'hosts', data: { name, others: others.join(', ') } });
  else if (!delegates.has(keyFor('VirtualService.networking.istio.io', namespaceOf(object), name)))
    report('delegate', { source, path, anchor: 'hosts', data: { name } });
}

function delegatesIn(sources: readonly SourceObject[]): ReadonlySet<ObjectKey> {
  return new Set(
    sources
      .filter(({ object }) => kindOf(object) === 'VirtualService.networking.istio.io')
      .flatMap(({ object }) => delegatesOf(object)),
  );
}

function delegatesOf(virtualService: KubeObject): ObjectKey[] {
  return asArray(dig(virtualService, 'spec', 'http')).flatMap((route) => {
    const name = optionalString(dig(route, 'delegate', 'name'));
    const namespace = optionalString(dig(route, 'delegate', 'namespace')) ?? namespaceOf(virtualService);
    return name === undefined ? [] : [keyFor('VirtualService.networking.istio.io', namespace, name)];
  });
}
