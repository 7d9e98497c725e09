import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, matchesGlob, relative, resolve } from 'node:path';

/** What building a Dockerfile without a container engine has made. */
export interface BuiltImage {
  /** The folder that stands for the root of the file system of the last stage. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
}

/**
 * Follows the steps of a Dockerfile on this machine. Each stage has a folder for its files, and its RUN steps run there,
 * with the programs of this machine instead of those of the base image.
 *
 * @param context - The folder with the Dockerfile and its `.dockerignore`.
 * @throws Error - If a step fails, or is one that this does not know.
 */
export function buildImage(context: string, folder: string, env: NodeJS.ProcessEnv): BuiltImage {
  const stages = new Map<string, Stage>();
  const isIgnored = ignoredBy(readFileSync(join(context, '.dockerignore'), 'utf8'));
  let stage: Stage = { root: folder, workdir: '/', env: {} };
  let entrypoint: string[] = [];
  let cmd: string[] = [];
  for (const { step, rest } of stepsOf(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    const inside = (path: string): string => join(stage.root, resolve(stage.workdir, path));
    switch (step) {
      case 'FROM': {
        const name = / AS (\S+)$/i.exec(rest)?.[1] ?? 'final';
        stage = { root: join(folder, name), workdir: '/', env: {} };
        stages.set(name, stage);
        break;
      }
      case 'WORKDIR':
        stage.workdir = resolve(stage.workdir, rest);
        mkdirSync(inside('.'), { recursive: true });
        break;
      case 'COPY': {
        const from = /^--from=(\S+) /.exec(rest)?.[1];
        const paths = rest.replace(/^--from=\S+ /, '').split(/\s+/);
        const target = paths.pop() ?? '.';
        const source = from === undefined ? context : stages.get(from)?.root;
        if (source === undefined) throw new Error(`COPY from the unknown stage ${from}`);
        for (const path of paths) {
          const file = join(source, path);
          const isInto = target.endsWith('/') || (target === '.' && !statSync(file).isDirectory());
          cpSync(file, isInto ? join(inside(target), basename(path)) : inside(target), {
            recursive: true,
            verbatimSymlinks: true,
            filter: (each) => from !== undefined || !isIgnored(relative(context, each)),
          });
        }
        break;
      }
      case 'RUN':
        execFileSync('sh', ['-c', rest], { cwd: inside('.'), env: { ...env, ...stage.env }, stdio: 'pipe' });
        break;
      case 'ENV': {
        const [name = '', value = ''] = rest.split('=');
        stage.env[name] = value;
        break;
      }
      case 'ENTRYPOINT':
        entrypoint = JSON.parse(rest) as string[];
        break;
      case 'CMD':
        cmd = JSON.parse(rest) as string[];
        break;
      case 'USER':
      case 'EXPOSE':
        break;
      default:
        throw new Error(`unknown step of the Dockerfile: ${step}`);
    }
  }
  return { ...stage, entrypoint, cmd };
}

function stepsOf(dockerfile: string): { readonly step: string; readonly rest: string }[] {
  return dockerfile
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => ({ step: line.split(' ', 1)[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }));
}

// The last pattern that matches a path, or a folder above it, decides.
function ignoredBy(dockerignore: string): (path: string) => boolean {
  const patterns = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return (path) => {
    const above = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
    return patterns.reduce((ignored, pattern) => {
      const glob = pattern.replace(/^!/, '');
      return above.some((each) => matchesGlob(each, glob)) ? !pattern.startsWith('!') : ignored;
    }, false);
  };
}
