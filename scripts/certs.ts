import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { render } from './helm.ts';

const FILE = join(import.meta.dirname, '..', 'certs', 'certificate.yaml');
const HEADER = '# Rendered from chart/templates/certificate.yaml by `npm run certs`; do not edit.\n';

// These files are for people who apply them by hand, without Helm.
const HELMS_OWN = /^ *(?:app\.kubernetes\.io\/managed-by|helm\.sh\/chart): .*\n|^# Source: .*\n/gm;

const wanted = HEADER + render('--show-only', 'templates/certificate.yaml').replaceAll(HELMS_OWN, '');
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== wanted) {
    console.error('certs/certificate.yaml is not what the chart renders: run `npm run certs`');
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, wanted);
}
