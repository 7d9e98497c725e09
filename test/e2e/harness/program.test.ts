import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processesOf } from './run-processes.ts';
import { freePort, Program, until } from './program.ts';

const RUN = process.env['ROLLGATE_E2E_RUN'] ?? '';

it.each(['SIGTERM', 'SIGKILL'] as const)('what a program started ends with it (%s)', async (signal) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollgate-program-'));
  // The shell, not its child, ends at SIGTERM: a child that is left alone goes on for minutes.
  const program = new Program({
    name: 'parent',
    command: '/bin/sh',
    args: ['-c', 'nohup sleep 567 & echo started; wait'],
    log: join(folder, 'parent.log'),
  });
  program.start();
  await until('the child', () => program.output().includes('started'));
  await until('both to be seen', () => processesOf(RUN).filter(({ command }) => command.includes('567')).length === 2);
  await program.stop(signal);
  await until('their end', () => processesOf(RUN).every(({ command }) => !command.includes('567')));
  expect(program.running).toBe(false);
  await rm(folder, { recursive: true });
});

it('no port is given to two programs, although both look before either listens', async () => {
  const ports: number[] = [];
  for (let count = 0; count < 300; count++) ports.push(await freePort());
  expect(new Set(ports).size).toBe(ports.length);
});
