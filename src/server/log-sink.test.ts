import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { LogSink } from './log-sink.ts';

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const step of cleanup.splice(0).reverse()) step();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'log-sink-'));
  cleanup.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function open(path: string, flags: number): number {
  const fd = openSync(path, flags);
  cleanup.push(() => closeSync(fd));
  return fd;
}

/** Returns both ends of a pipe that never blocks. */
function pipe(): { reader: number; writer: number } {
  const path = join(directory(), 'pipe');
  const made: SpawnSyncReturns<Buffer> = spawnSync('mkfifo', [path]);
  expect(made.status).toBe(0);
  const reader = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: open(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

const line = (index: number): string => `${JSON.stringify({ index, padding: 'x'.repeat(80) })}\n`;

it('writes every line in order, in blocks or after a short time, and the rest when it closes', async () => {
  const path = join(directory(), 'log');
  const sink = new LogSink(open(path, constants.O_CREAT | constants.O_WRONLY));
  sink.write(line(0));
  await eventually(() => expect(readFileSync(path, 'utf8')).toBe(line(0)));
  const rest = Array.from({ length: 5_000 }, (_, index) => line(index + 1));
  for (const text of rest) sink.write(text);
  await sink.close(60_000);
  expect(readFileSync(path, 'utf8')).toBe(line(0) + rest.join(''));
  expect(sink.dropped).toBe(0);
});

it('drops and counts lines above its capacity, and continues when the pipe is read again', async () => {
  const { reader, writer } = pipe();
  const sink = new LogSink(writer, { capacity: 200_000 });
  for (let index = 0; index < 10_000; index++) sink.write(line(index));
  const { dropped } = sink;
  // The pipe itself holds 64 KiB, and more lines may be written while these are.
  expect(dropped).toBeGreaterThan(5_000);
  expect(dropped).toBeLessThan(10_000);
  let text = '';
  const buffer = Buffer.alloc(65_536);
  const read = (): void => {
    try {
      text += buffer.toString('utf8', 0, readSync(reader, buffer));
    } catch {
      // There is nothing to read at the moment.
    }
  };
  const kept = 10_000 - dropped;
  await eventually(() => {
    read();
    expect(text.split('\n')).toHaveLength(kept + 1);
  });
  sink.write('again\n');
  await sink.close(60_000);
  read();
  expect(text.endsWith('again\n')).toBe(true);
  expect(text.startsWith(line(0) + line(1))).toBe(true);
  expect(sink.dropped).toBe(dropped);
});

it.each(['a full disk', 'a pipe that nobody reads', 'a pipe without a reader'])(
  'closes on %s, and counts what was lost',
  async (kind) => {
    let fd: number;
    if (kind === 'a full disk') fd = open('/dev/full', constants.O_WRONLY);
    else {
      const { reader, writer } = pipe();
      fd = writer;
      if (kind === 'a pipe without a reader') {
        closeSync(reader);
        cleanup.splice(-2, 1);
      }
    }
    const sink = new LogSink(fd);
    for (let index = 0; index < 2_000; index++) sink.write(line(index));
    expect(sink.dropped).toBe(0);
    await sink.close(1);
    const { dropped } = sink;
    // The pipe itself holds 64 KiB.
    expect(dropped).toBeGreaterThan(kind === 'a pipe that nobody reads' ? 1_000 : 1_999);
    sink.write(line(0));
    expect(sink.dropped).toBe(dropped + 1);
  },
);
