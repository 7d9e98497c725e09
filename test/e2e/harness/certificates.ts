import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selfSigned } from '../../../src/server/certificate.ts';

const DAY = 86_400_000;

/** How Rollgate gets its certificate. */
export interface Certificates {
  /** Arguments for `helm template`. */
  readonly values: readonly string[];
  /**
   * Returns the directory of `tls.crt` and `tls.key`, if Rollgate reads files. The rendered objects exist when it is
   * called.
   */
  directory(): Promise<string | undefined>;
}

/** Prepares a certificate for a DNS name. It may write files to a folder. */
export type CertificateOf = (folder: string, name: string) => Promise<Certificates>;

/** Makes a self-signed certificate, which the chart takes as an existing Secret. It needs no other program. */
export const certificateOf: CertificateOf = async (folder, name) => {
  const directory = join(folder, 'certificates');
  await mkdir(directory, { recursive: true });
  const { cert, key } = selfSigned({
    names: [name],
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
  });
  const ca = join(folder, 'ca.pem');
  for (const [path, content] of [
    [join(directory, 'tls.crt'), cert],
    [join(directory, 'tls.key'), key],
    [ca, cert],
  ] as const)
    await writeFile(path, content);
  return {
    values: [
      '--set=certificates.mode=existing',
      '--set=certificates.existingSecret=rollgate-tls',
      `--set-file=certificates.caBundle=${ca}`,
    ],
    directory: () => Promise.resolve(directory),
  };
};

/** Leaves the certificate to Rollgate: mode `self` of the chart. */
export const ownCertificate: CertificateOf = () =>
  Promise.resolve({ values: [], directory: () => Promise.resolve(undefined) });
