import { globSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import {
  joinManifests,
  NEARLY_AN_OBJECT,
  NOT_AN_OBJECT,
  type ManifestError,
  type Manifests,
} from '../world/manifests.ts';
import { groupOf, type KubeObject } from '../world/object.ts';
import { readErrorOf } from '../world/error.ts';
import type { Io } from './io.ts';
import { patchesNamedBy } from './patches.ts';
import { parseUnsubstituted } from './substituted.ts';
import { isTemplate, withQuotedPlaceholders } from './unrendered.ts';

/** What was found at paths. */
export interface FoundManifests {
  readonly manifests: Manifests;
  /** What was skipped, a sentence each. */
  readonly notes: readonly string[];
  /** What could not be found or read, a sentence each. */
  readonly problems: readonly string[];
}

interface Candidate {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  /** Whether it was named explicitly, and not found in a directory or by a pattern: then it must be a manifest. */
  readonly named: boolean;
}

const STDIN = '<stdin>';

// Measured: a parsed manifest with its positions keeps 39 bytes for each byte of text. Parsing takes a further 100, only
// for the text that is being parsed. Rollgate itself takes 40 MiB.
const KEPT_PER_BYTE = 45;
const PARSED_PER_BYTE = 130;
const MIB = 1024 * 1024;
const ROLLGATE = 40 * MIB;

/** Returns the bytes of memory that manifests may take in this process. */
function manifestMemory(): number {
  return getHeapStatistics().heap_size_limit - ROLLGATE;
}

/**
 * Reads the manifests at paths (files, directories, glob patterns, `-`), in the order of their names whatever the order
 * of the paths. Directories are searched for `*.yaml`, `*.yml` and `*.json`, without `node_modules` and dot folders.
 * Files there that are not manifests are skipped, and so are unrendered templates and the patches of a kustomization.
 * Never rejects for what is in the files.
 *
 * @param memory - The bytes of memory that the manifests may take. If they take more, that is the only problem, and
 *   nothing is returned.
 */
export async function readManifests(
  paths: readonly string[],
  io: Pick<Io, 'cwd' | 'stdin'>,
  memory: number = manifestMemory(),
): Promise<FoundManifests> {
  const problems: string[] = [];
  const skipped: Skipped = { templates: [], patches: [], large: [] };
  const candidates = allCandidates(paths, io.cwd, problems);
  const patches = patchesNamedBy(candidates.map(({ path }) => path));
  const parts: [name: string, manifests: Manifests][] = [];
  let total = 0;
  let largest = 0;
  for (const candidate of candidates) {
    if (!candidate.named && patches.has(candidate.path)) {
      skipped.patches.push(candidate.name);
      continue;
    }
    const content = contentOf(candidate, problems);
    if (content === undefined) continue;
    total += content.length;
    largest = Math.max(largest, content.length);
    if (total * KEPT_PER_BYTE + largest * PARSED_PER_BYTE > memory) return tooLarge(memory);
    parts.push([candidate.name, manifestsIn(content.toString('utf8'), candidate, skipped)]);
  }
  if (paths.includes('-')) {
    const room = (memory - total * KEPT_PER_BYTE) / (KEPT_PER_BYTE + PARSED_PER_BYTE);
    const content = await readAll(io.stdin, room);
    if (content === undefined) return tooLarge(memory);
    const text = inUtf8(content).toString('utf8');
    parts.push([STDIN, manifestsIn(text, { path: STDIN, name: STDIN, named: true }, skipped)]);
  }
  const manifests = joinManifests(parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part));
  if (manifests.objects.length === 0 && manifests.errors.length === 0 && problems.length === 0)
    problems.push(nothingIn(paths));
  return { manifests, notes: notesOn(skipped), problems };
}

/** Files with their texts. */
export interface FoundTexts {
  /** Undefined if they are too large together. */
  readonly files: readonly { readonly name: string; readonly text: string }[] | undefined;
  /** What was skipped, a sentence each. */
  readonly notes: readonly string[];
  /** What could not be found or read, a sentence each. */
  readonly problems: readonly string[];
}

/**
 * Reads the texts of the manifests at paths, as `readManifests` finds them. Nothing is parsed before it is known that
 * all of it is small enough, and nothing is read that is not a regular file: reading a pipe may never end.
 *
 * @param most - The bytes that all files may have together. A larger file that nobody named is skipped.
 */
export function readTexts(paths: readonly string[], cwd: string, most: number): FoundTexts {
  const problems: string[] = [];
  const skipped: Skipped = { templates: [], patches: [], large: [] };
  let size = 0;
  const candidates = allCandidates(paths, cwd, problems).filter(({ path, name, named }) => {
    const stats = statsOf(path, name, problems);
    if (stats === undefined) return false;
    if (!stats.isFile()) {
      problems.push(`${name}: not a file`);
      return false;
    }
    if (stats.size <= most) return true;
    if (named) size += stats.size;
    else skipped.large.push(name);
    return false;
  });
  const patches = patchesNamedBy(candidates.map(({ path }) => path));
  const contents: [candidate: Candidate, text: string][] = [];
  for (const candidate of candidates) {
    if (size > most) return { files: undefined, notes: [], problems };
    if (!candidate.named && patches.has(candidate.path)) {
      skipped.patches.push(candidate.name);
      continue;
    }
    const content = contentOf(candidate, problems);
    if (content === undefined) continue;
    size += content.length;
    contents.push([candidate, content.toString('utf8')]);
  }
  if (size > most) return { files: undefined, notes: [], problems };
  const files = contents.flatMap(([candidate, text]) => {
    const { objects, errors } = manifestsIn(text, candidate, skipped);
    return objects.length + errors.length === 0 ? [] : [{ name: candidate.name, text }];
  });
  if (files.length === 0 && problems.length === 0) problems.push(nothingIn(paths));
  return { files: files.sort((a, b) => (a.name < b.name ? -1 : 1)), notes: notesOn(skipped, most), problems };
}

function allCandidates(paths: readonly string[], cwd: string, problems: string[]): readonly Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const given of new Set(paths)) {
    if (given === '-') continue;
    for (const candidate of candidatesAt(given, cwd, problems))
      candidates.set(candidate.path, either(candidate, candidates.get(candidate.path)));
  }
  return [...candidates.values()];
}

/** Returns a text that changes when a file at the paths changes, comes or goes. Reads none of them. */
export function signatureOf(paths: readonly string[], cwd: string): string {
  const problems: string[] = [];
  const files = allCandidates(paths, cwd, problems).map(({ path, name }) => {
    const stats = statsOf(path, name, problems);
    return `${path} ${stats?.mtimeMs} ${stats?.size} ${stats?.ino}`;
  });
  return [...files.sort(), ...problems].join('\n');
}

function nothingIn(paths: readonly string[]): string {
  return `no manifest found in ${paths.join(', ')}: nothing was checked`;
}

function tooLarge(memory: number): FoundManifests {
  return {
    manifests: NOTHING,
    notes: [],
    problems: [
      `the manifests need more memory than the ${Math.floor(memory / MIB)} MiB of this process: name fewer files, or set NODE_OPTIONS=--max-old-space-size=MIB`,
    ],
  };
}

// A file that is found in several ways is one file, whichever way came first.
function either(candidate: Candidate, other: Candidate = candidate): Candidate {
  return {
    path: candidate.path,
    name: candidate.name.length < other.name.length ? candidate.name : other.name,
    named: candidate.named || other.named,
  };
}

const EXTENSION = /\.(ya?ml|json)$/i;

function candidatesAt(given: string, cwd: string, problems: string[]): Candidate[] {
  const path = resolve(cwd, given);
  const before = problems.length;
  const candidate = (found: string, named: boolean): Candidate => ({
    path: found,
    name: nameOf(found, given, cwd),
    named,
  });
  const stats = statsOf(path, given, problems);
  if (stats?.isDirectory()) return filesBelow(path, problems).map((found) => candidate(found, false));
  // Also a pipe, such as that of a process substitution.
  if (stats !== undefined) return [candidate(path, true)];
  if (problems.length > before) return [];
  if (!/[*?[{]/.test(given)) {
    problems.push(`${given}: no such file or directory`);
    return [];
  }
  const matches = globSync(given, { cwd, exclude: isLeftOut })
    .map((match) => resolve(cwd, match))
    .flatMap((match) => {
      const found = statsOf(match, match, problems);
      if (found?.isDirectory()) return filesBelow(match, problems);
      return EXTENSION.test(match) && found?.isFile() ? [match] : [];
    });
  if (matches.length === 0 && problems.length === before) problems.push(`${given}: no file matches`);
  return matches.map((found) => candidate(found, false));
}

function isLeftOut(path: string): boolean {
  return path
    .split(/[/\\]/)
    .some((part) => part === 'node_modules' || (part.startsWith('.') && part !== '.' && part !== '..'));
}

// Undefined for what is not there, and for what cannot be looked at, which is a problem.
function statsOf(path: string, name: string, problems: string[]): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    problems.push(reasonOf(name, error));
    return undefined;
  }
}

// A link to a directory is not followed: it could lead in a circle.
function filesBelow(directory: string, problems: string[]): string[] {
  const found: string[] = [];
  const queue = [directory];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    let entries;
    try {
      entries = readdirSync(next, { withFileTypes: true });
    } catch (error) {
      problems.push(reasonOf(next, error));
      continue;
    }
    for (const entry of entries) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        if (!isLeftOut(entry.name)) queue.push(path);
      } else if (EXTENSION.test(entry.name) && statsOf(path, path, problems)?.isFile()) {
        found.push(path);
      }
    }
  }
  return found;
}

function nameOf(path: string, given: string, cwd: string): string {
  const near = relative(cwd, path);
  return (isAbsolute(given) && near.startsWith('..') ? path : near).split(sep).join('/');
}

// All of these are in a manifest; one that lacks a single one is worth a word.
const MARKS = ['apiVersion', 'kind', 'metadata'];

// Undefined for what cannot be read, and for a file in a directory that is no manifest. Most files there are none, and
// parsing them would take longer than all the rest.
function contentOf({ path, name, named }: Candidate, problems: string[]): Buffer | undefined {
  try {
    const content = inUtf8(readFileSync(path));
    return named || MARKS.filter((mark) => content.includes(mark)).length > 1 ? content : undefined;
  } catch (error) {
    problems.push(reasonOf(name, error));
    return undefined;
  }
}

// PowerShell writes UTF-16, and the YAML libraries of Go read it.
function inUtf8(content: Buffer): Buffer {
  const mark = content.length % 2 === 0 ? content.toString('latin1', 0, 2) : '';
  if (mark === '\xff\xfe') return Buffer.from(content.toString('utf16le', 2));
  if (mark === '\xfe\xff') return Buffer.from(Buffer.from(content).swap16().toString('utf16le', 2));
  return content;
}

function reasonOf(name: string, error: unknown): string {
  return `${name}: ${readErrorOf(error)}`;
}

/** Returns everything from a stream, or undefined if it is more than that many bytes. */
export function readAll(stream: AsyncIterable<string | Uint8Array>): Promise<Buffer>;
export function readAll(stream: AsyncIterable<string | Uint8Array>, limit: number): Promise<Buffer | undefined>;
export async function readAll(
  stream: AsyncIterable<string | Uint8Array>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }
  return Buffer.concat(chunks);
}

interface Skipped {
  readonly templates: string[];
  readonly patches: string[];
  readonly large: string[];
}

const NOTHING: Manifests = { objects: [], errors: [], duplicateKeys: [] };

function manifestsIn(text: string, { name, named }: Candidate, skipped: Skipped): Manifests {
  const manifests = parseUnsubstituted(text, name);
  if (isTemplate(text, manifests)) {
    if (named) return failed(name, 'an unrendered template: helm template CHART | rollgate lint -');
    skipped.templates.push(name);
    return NOTHING;
  }
  const objects = manifests.objects.filter(({ object }) => !isKustomization(object));
  if (named && objects.length === 0 && manifests.objects.length > 0)
    return failed(name, 'a kustomization, not a manifest: kustomize build DIRECTORY | rollgate lint -');
  const errors = named ? manifests.errors : mistakesOf(name, text, manifests.errors);
  return withQuotedPlaceholders({ ...manifests, objects, errors });
}

const VALUES = /(^|\/)values[^/]*\.ya?ml$/;

// A file that nobody named need not be a manifest, nor YAML, unless it has both fields.
function mistakesOf(name: string, text: string, errors: readonly ManifestError[]): readonly ManifestError[] {
  const isManifest = text.includes('apiVersion') && text.includes('kind');
  const near: readonly string[] = Object.values(NEARLY_AN_OBJECT);
  return errors.filter(
    ({ message }) => (near.includes(message) && !VALUES.test(name)) || (isManifest && message !== NOT_AN_OBJECT),
  );
}

function failed(file: string, message: string): Manifests {
  return { ...NOTHING, errors: [{ file, line: 1, column: 1, message }] };
}

function isKustomization({ apiVersion }: KubeObject): boolean {
  return groupOf(apiVersion) === 'kustomize.config.k8s.io';
}

const SHOWN_NAMES = 3;

function notesOn({ templates, patches, large }: Skipped, most = 0): string[] {
  const some = (names: readonly string[]): string => {
    const shown = names.toSorted().slice(0, SHOWN_NAMES).join(', ');
    return names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown;
  };
  return [
    ...(templates.length === 0
      ? []
      : [`skipped ${templates.length} unrendered (${some(templates)}): helm template CHART | rollgate lint -`]),
    ...(patches.length === 0
      ? []
      : [
          `skipped ${patches.length} used by a kustomization (${some(patches)}): kustomize build DIRECTORY | rollgate lint -`,
        ]),
    ...(large.length === 0 ? [] : [`skipped ${large.length} larger than ${most} bytes (${some(large)})`]),
  ];
}
