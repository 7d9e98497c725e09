import { MountedSecret } from '../../support/certificates.ts';
import { asString, dig } from '../../../src/world/read.ts';
import type { Api } from './api.ts';
import { until } from './program.ts';

type Files = Readonly<Record<string, string>>;

/**
 * A Secret as a volume of a pod. The kubelet of each node updates its volumes in its own time. Here they are updated by
 * `sync`.
 */
export class SecretVolume {
  readonly #read: () => Promise<Files | undefined>;
  readonly #mounted: MountedSecret;
  #content: string;

  private constructor(read: () => Promise<Files | undefined>, mounted: MountedSecret, content: string) {
    this.#read = read;
    this.#mounted = mounted;
    this.#content = content;
  }

  /** Waits until the Secret exists, as a pod that uses it does, and mounts it. */
  static async mount(api: Api, namespace: string, name: string): Promise<SecretVolume> {
    const read = async (): Promise<Files | undefined> => {
      const secret = await api.get('v1', 'Secret', namespace, name);
      if (secret === undefined) return undefined;
      return Object.fromEntries(
        Object.entries(dig(secret, 'data') ?? {}).map(([key, value]) => [
          key,
          Buffer.from(asString(value), 'base64').toString(),
        ]),
      );
    };
    const files = await until(`Secret ${namespace}/${name}`, read);
    return new SecretVolume(read, await MountedSecret.mount(files), JSON.stringify(files));
  }

  get directory(): string {
    return this.#mounted.directory;
  }

  /** Writes the current content of the Secret to the files. While there is no Secret, the files stay. */
  async sync(): Promise<void> {
    const files = await this.#read();
    if (files === undefined || JSON.stringify(files) === this.#content) return;
    this.#content = JSON.stringify(files);
    await this.#mounted.update(files);
  }

  /** Removes the files. */
  unmount(): Promise<void> {
    return this.#mounted.unmount();
  }
}
