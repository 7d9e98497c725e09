import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

// Settings of the machine, such as signed commits, must not matter.
const ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'developer',
  GIT_AUTHOR_EMAIL: 'developer@example.com',
  GIT_COMMITTER_NAME: 'developer',
  GIT_COMMITTER_EMAIL: 'developer@example.com',
};

/** A Git repository in a folder, which Argo CD reads as a `file://` URL. */
export class GitRepository {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Creates an empty repository in a new folder. */
  static async create(folder: string): Promise<GitRepository> {
    await mkdir(folder, { recursive: true });
    const repository = new GitRepository(folder);
    await repository.#git('init', '--quiet', '--initial-branch=main');
    return repository;
  }

  get url(): string {
    return `file://${this.#folder}`;
  }

  /**
   * Commits files and nothing else: files of before that are not among them are removed. Returns the hash of the commit.
   *
   * @param files - Their texts by path.
   */
  async commit(files: Readonly<Record<string, string>>, message: string): Promise<string> {
    await this.#git('rm', '-r', '--quiet', '--force', '--ignore-unmatch', '.');
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.#folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', '--allow-empty', `--message=${message}`);
    return this.#git('rev-parse', 'HEAD');
  }

  async #git(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, ...ENVIRONMENT };
    const { stdout } = await promisify(execFile)('git', args, { cwd: this.#folder, env });
    return stdout.trim();
  }
}
