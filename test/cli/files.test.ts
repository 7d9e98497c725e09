import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readManifests } from '../../src/commands/files.ts';
import { directory, io, service } from './support.ts';

async function read(
  cwd: string,
  paths: readonly string[],
  stdin?: string,
): Promise<{ files: string[]; notes: readonly string[]; problems: readonly string[] }> {
  const { manifests, notes, problems } = await readManifests(paths, io(cwd, stdin === undefined ? {} : { stdin }));
  const files = [
    ...manifests.objects.map(({ object, file }) => `${file} ${object.metadata.name}`),
    ...manifests.errors.map(({ file, message }) => `${file}: ${message}`),
  ];
  return { files, notes, problems };
}

const json = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'c' } });

describe('directories', () => {
  it('are searched recursively, without node_modules and dot folders, in alphabetical order', async () => {
    const root = directory({
      'z.yml': service('z'),
      'a/b/c.json': json,
      'a/b.yaml': service('b'),
      'a/readme.md': service('no'),
      'node_modules/x/y.yaml': service('no'),
      '.github/w.yaml': service('no'),
    });
    expect(await read(root, ['.'])).toEqual({
      files: ['a/b.yaml b', 'a/b/c.json c', 'z.yml z'],
      notes: [],
      problems: [],
    });
    expect((await read(root, ['.github'])).files).toEqual(['.github/w.yaml no']);
  });

  it('may contain YAML and JSON that is no manifest', async () => {
    const root = directory({
      'Chart.yaml': 'apiVersion: v2\nname: cart\nversion: 1.0.0\n# a kind of chart\n',
      'values.yaml': 'kind: canary # not an apiVersion\nreplicas: 1\n',
      'kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [service.yaml]\n',
      'package.json': '{"name": "cart"}',
      'tsconfig.json': '{ // comments\n "a": 1, }',
      'broken.yaml': 'a: [1\nb: 2',
      'patch.json': '[{"op": "add", "path": "/apiVersion", "value": "kind"}]',
      'service.yaml': `${service('cart')}---\n# kind and apiVersion are mentioned here\nnothing: else\n`,
    });
    expect(await read(root, ['.'])).toEqual({ files: ['service.yaml cart'], notes: [], problems: [] });
  });

  it('may contain templates, which are counted', async () => {
    const template = (line: string): string => `apiVersion: v1\nkind: Service\n${line}\n`;
    const root = directory({
      'templates/a.yaml': template('metadata:\n  name: {{ .Values.name }}'),
      'templates/b.yaml': template('{{- if .Values.on }}\nmetadata: { name: b }\n{{- end }}'),
      'templates/c.yaml': template('metadata: { name: c }\nspec:\n  {{- toYaml .Values.spec | nindent 2 }}'),
      'templates/d.yaml': template('metadata: { name: d }\nspec: { ports: [{ port: {{ .Values.port }} }] }'),
      'templates/e.yaml': template('metadata: { name: e }\nspec: { type: "{{ .Values.type }}" }'),
      'templates/f.yaml': template('metadata: { name: f }\nspec: { type: "{{ default "a" .Values.type }}" }'),
      'templates/g.yaml': template("metadata: { name: g }\nspec: { type: '{{ `{{args.x}}` }}' }"),
      'templates/h.yaml': template(`metadata: { name: h }\nspec: { type: '{{ "{{" }}args.x{{ "}}" }}' }`),
      'analysis.yaml':
        'apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: a }\nspec:\n  args: [{ name: x, value: "{{args.y}}" }]\n  q: |\n    {{args.x}} > 0\n',
    });
    expect(await read(root, ['.'])).toEqual({
      files: ['analysis.yaml a'],
      notes: [
        'skipped 8 unrendered (templates/a.yaml, templates/b.yaml, templates/c.yaml and 5 more): helm template CHART | rollgate lint -',
      ],
      problems: [],
    });
  });

  it('may contain rendered templates of other programs, which make no template of the file', async () => {
    const root = directory({
      'a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: grafana }\ndata:\n  v: '{{ printf "%.2f" .Values.B }}'\n---\n${service('a')}`,
      'b.yaml': `# In the chart: {{ "{{" }} $labels.pod, {{ default "b" .Values.name }}\n${service('b')}`,
    });
    expect(await read(root, ['.'])).toEqual({
      files: ['a.yaml grafana', 'a.yaml a', 'b.yaml b'],
      notes: [],
      problems: [],
    });
  });

  it('may contain placeholders of an analysis, which make no template of a broken file', async () => {
    const template = (query: string): string =>
      `apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: a }\nspec:\n  args: [{ name: x, value: ${query} }]\n`;
    const root = directory({
      'broken.yaml': `${template('"{{args.x}}"')}  condition: a: b\n`,
      'unquoted.yaml': template('{{ args.x }}'),
      'helm.yaml': `${template('"{{args.x}}"')}  condition: {{ .Values.condition }}: b\n`,
    });
    const { files, notes } = await read(root, ['.']);
    expect(notes).toEqual(['skipped 1 unrendered (helm.yaml): helm template CHART | rollgate lint -']);
    expect(files).toEqual([
      'unquoted.yaml a',
      expect.stringMatching(/^broken\.yaml: Nested mappings/),
      'unquoted.yaml: YAML reads {{...}} without quotes as a mapping: put it in quotes',
    ]);
  });

  it('may contain what is nearly an object, but not things that are no objects', async () => {
    const root = directory({
      'no-kind.yaml': 'apiVersion: v1\nmetadata: { name: a }\n',
      'no-version.yaml': 'kind: Service\nmetadata: { name: a }\n',
      'list.yaml': `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    metadata: { name: a }\n`,
      'on.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: on }\n',
      'chart.yaml': 'apiVersion: v2\nname: cart # has no kind and no metadata\n',
      'other.yaml': 'kindOf: nothing # apiVersion\nmetadata: { name: a }\n',
      'score.yaml': 'apiVersion: score.dev/v1b1\nmetadata: { name: a }\n',
      'values-eu.yaml': 'kind: Rollout\nmetadata: { name: a }\n',
      'keys.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { "{}": x, "{pod}": y, "{{args.a}}": z }\n',
      'code.json': '{ // kind and metadata\n "a": 1, }',
    });
    const { files, problems } = await read(root, ['.']);
    expect(problems).toEqual([]);
    expect(files).toEqual([
      'keys.yaml a',
      'list.yaml: not a Kubernetes object: kind is missing',
      'no-kind.yaml: not a Kubernetes object: kind is missing',
      'no-version.yaml: not a Kubernetes object: apiVersion is missing',
      'on.yaml: metadata.name is a boolean: put the name in quotes',
    ]);
  });

  it('may contain patches, which are not read as objects', async () => {
    const root = directory({
      'base/service.yaml': service('cart'),
      'overlay/kustomization.yaml':
        'resources: [../base]\npatches:\n  - path: port.yaml\n  - patch: |\n      - op: add\n        path: /x\n    target: { kind: Service }\npatchesStrategicMerge:\n  - selector.yaml\n',
      'overlay/port.yaml': service('cart'),
      'overlay/selector.yaml': service('cart'),
    });
    expect(await read(root, ['.'])).toEqual({
      files: ['base/service.yaml cart'],
      notes: [
        'skipped 2 used by a kustomization (overlay/port.yaml, overlay/selector.yaml): kustomize build DIRECTORY | rollgate lint -',
      ],
      problems: [],
    });
    expect((await read(root, ['.', 'overlay/port.yaml'])).files, 'named').toEqual([
      'base/service.yaml cart',
      'overlay/port.yaml cart',
    ]);
  });

  it('may contain patches that a kustomization names by their path alone', async () => {
    const root = directory({
      'base/service.yaml': service('cart'),
      'one/kustomization.yaml': 'resources: [../base]\npatches:\n  - port.yaml\n',
      'one/port.yaml': service('cart'),
    });
    const { files, notes } = await read(root, ['.']);
    expect(files).toEqual(['base/service.yaml cart']);
    expect(notes).toEqual([
      'skipped 1 used by a kustomization (one/port.yaml): kustomize build DIRECTORY | rollgate lint -',
    ]);
  });

  it('may contain broken manifests', async () => {
    const { files } = await read(
      directory({ 'a.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: a\nspec: 1' }),
      ['.'],
    );
    expect(files).toHaveLength(1);
    expect(files[0]).toMatch(/^a\.yaml: /);
  });

  it('are not left through links, and not read twice', async () => {
    const root = directory({ 'a/service.yaml': service('cart') });
    symlinkSync(root, join(root, 'a', 'loop'));
    symlinkSync(join(root, 'a', 'service.yaml'), join(root, 'linked.yaml'));
    expect((await read(root, ['.', 'a', './a/'])).files).toEqual(['a/service.yaml cart', 'linked.yaml cart']);
  });
});

describe('what is no file', () => {
  it('is a problem if it is a link to itself, and not the end', async () => {
    const root = directory({ 'in/a.yaml': service('a') });
    symlinkSync('loop.yaml', join(root, 'in/loop.yaml'));
    const { files, problems } = await read(root, ['in']);
    expect(files).toEqual(['in/a.yaml a']);
    expect(problems).toEqual([`${join(root, 'in/loop.yaml')}: a link that leads to itself`]);
    expect((await read(root, ['in/loop.yaml'])).problems).toEqual(['in/loop.yaml: a link that leads to itself']);
    expect((await read(root, ['in/*.yaml'])).problems).toEqual([
      `${join(root, 'in/loop.yaml')}: a link that leads to itself`,
    ]);
  });

  it('is not read if it was found and not named: it might never end', async () => {
    const root = directory({ 'in/a.yaml': service('a') });
    symlinkSync('/dev/zero', join(root, 'in/zero.yaml'));
    execFileSync('mkfifo', [join(root, 'in/pipe.yaml')]);
    for (const path of ['in', 'in/*.yaml'])
      expect(await read(root, [path])).toEqual({ files: ['in/a.yaml a'], notes: [], problems: [] });
  });

  it('is read if it was named, as a process substitution is', async () => {
    expect(await read(directory({}), ['/dev/null'])).toEqual({
      files: [],
      notes: [],
      problems: ['no manifest found in /dev/null: nothing was checked'],
    });
  });
});

describe('files', () => {
  it('that are named must be manifests', async () => {
    const root = directory({
      'values.yaml': 'replicas: 1\n',
      'broken.txt': 'a: [1\nb: 2',
      'template.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: {{ .Values.name }} }\n',
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n',
      'manifest.txt': service('cart'),
    });
    const { files, problems } = await read(root, [
      'values.yaml',
      'broken.txt',
      'template.yaml',
      'kustomization.yaml',
      'manifest.txt',
      'absent.yaml',
    ]);
    expect(files).toEqual([
      'manifest.txt cart',
      expect.stringMatching(/^broken\.txt: /),
      'kustomization.yaml: a kustomization, not a manifest: kustomize build DIRECTORY | rollgate lint -',
      'template.yaml: an unrendered template: helm template CHART | rollgate lint -',
      'values.yaml: not a Kubernetes object: set apiVersion, kind and metadata.name',
    ]);
    expect(problems).toEqual(['absent.yaml: no such file or directory']);
  });

  it('may be in UTF-16, as PowerShell writes them', async () => {
    const root = directory({});
    const little = Buffer.from(`\ufeff${service('little')}`, 'utf16le');
    const big = Buffer.from(`\ufeff${service('big')}`, 'utf16le').swap16();
    writeFileSync(join(root, 'little.yaml'), little);
    writeFileSync(join(root, 'big.yaml'), big);
    expect(await read(root, ['.'])).toEqual({ files: ['big.yaml big', 'little.yaml little'], notes: [], problems: [] });
  });

  it('are reported by their shortest name', async () => {
    const root = directory({ 'in/a.yaml': service('a'), 'b.yaml': service('b') });
    const inside = join(root, 'in');
    expect((await read(inside, [join(inside, 'a.yaml'), '../b.yaml', join(root, 'b.yaml')])).files).toEqual([
      '../b.yaml b',
      'a.yaml a',
    ]);
    expect((await read(inside, [join(root, 'b.yaml')])).files).toEqual([`${join(root, 'b.yaml')} b`]);
  });

  it('are read in the same order for any order of paths', async () => {
    const root = directory({ 'a.yaml': service('a'), 'b.yaml': service('b'), 'c/d.yaml': service('d') });
    const expected = await read(root, ['a.yaml', 'b.yaml', 'c', '-'], service('in'));
    expect(expected.files).toEqual(['<stdin> in', 'a.yaml a', 'b.yaml b', 'c/d.yaml d']);
    expect(await read(root, ['-', 'c', 'b.yaml', 'a.yaml', 'c'], service('in'))).toEqual(expected);
  });
});

describe('patterns', () => {
  it('find the same manifests as directories', async () => {
    const root = directory({
      'a/x.yaml': service('x'),
      'a/values.yaml': 'replicas: 1',
      'b/y.yaml': service('y'),
      'b/readme.md': 'no',
      'node_modules/z.yaml': service('z'),
      'q[1].yaml': service('q'),
    });
    expect(await read(root, ['*/*.yaml'])).toEqual({ files: ['a/x.yaml x', 'b/y.yaml y'], notes: [], problems: [] });
    expect((await read(root, ['b*'])).files).toEqual(['b/y.yaml y']);
    expect((await read(root, ['**/*'])).files).toEqual(['a/x.yaml x', 'b/y.yaml y', 'q[1].yaml q']);
    expect((await read(root, ['q[1].yaml'])).files, 'a file of that very name').toEqual(['q[1].yaml q']);
    expect((await read(root, ['c/*.yaml'])).problems).toEqual(['c/*.yaml: no file matches']);
  });
});

describe('standard input', () => {
  it('may contain many documents', async () => {
    expect(await read(directory({}), ['-'], `${service('a')}---\n---\n# nothing\n---\n${service('b')}`)).toEqual({
      files: ['<stdin> a', '<stdin> b'],
      notes: [],
      problems: [],
    });
  });

  it('that is empty is an error, because the command that writes it may have failed', async () => {
    expect((await read(directory({}), ['-'], '')).problems).toEqual(['no manifest found in -: nothing was checked']);
  });
});

describe('manifests that are too large for the memory of the process', () => {
  const refused = {
    manifests: { objects: [], errors: [], duplicateKeys: [] },
    notes: [],
    problems: [
      'the manifests need more memory than the 1 MiB of this process: name fewer files, or set NODE_OPTIONS=--max-old-space-size=MIB',
    ],
  };
  const MEMORY = 1024 * 1024;
  const large = `${service('large')}# ${'x'.repeat(10_000)}\n`;

  it('are refused, whether in one file, in several or on standard input', async () => {
    const some = `${service('some')}# ${'x'.repeat(5_000)}\n`;
    const root = directory({ 'large/a.yaml': large, 'some/a.yaml': some, 'some/b.yaml': some, 'some/c.yaml': some });
    expect(await readManifests(['large/a.yaml'], io(root), MEMORY)).toEqual(refused);
    expect(await readManifests(['some'], io(root), MEMORY)).toEqual(refused);
    expect(await readManifests(['-'], io(root, { stdin: large }), MEMORY)).toEqual(refused);
    expect((await readManifests(['some/a.yaml'], io(root), MEMORY)).manifests.objects).toHaveLength(1);
  });

  it('do not include files in a directory that are no manifests', async () => {
    const root = directory({ 'package-lock.json': `{"a":"${'x'.repeat(20_000)}"}`, 'a.yaml': service('a') });
    const { manifests, problems } = await readManifests(['.'], io(root), MEMORY);
    expect(manifests.objects.map(({ object }) => object.metadata.name)).toEqual(['a']);
    expect(problems).toEqual([]);
  });
});
