import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Layout, placesOf } from '../../dashboard/src/graph-layout.ts';
import { Judge } from '../../src/dashboard/judge.ts';
import type { Graph } from '../../src/dashboard/messages.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../dashboard/examples/canary-port.yaml'), 'utf8');

function graphOf(manifests: string): Graph {
  const { graph } = new Judge().answer({ manifests, policy: '' });
  if (graph === undefined) throw new Error('no graph');
  return graph;
}

describe('the places of a graph', () => {
  it('are computed once for edits that change no node and no edge', () => {
    let computed = 0;
    const layout = new Layout((shape) => {
      computed++;
      return placesOf(shape);
    });
    const broken = layout.of(graphOf(TEXT), false);
    const fixed = layout.of(graphOf(`# a line more\n${TEXT.replace('port: 8080\n', 'port: 80\n')}`), false);
    expect(computed).toBe(1);
    // What is not a place is that of the last graph.
    expect(broken.edges.filter(({ level }) => level === 'deny')).toHaveLength(1);
    expect(fixed.edges.filter(({ level }) => level !== undefined)).toEqual([]);
    expect(fixed.nodes.map(({ line = 0 }) => line)).toEqual(broken.nodes.map(({ line }) => (line ?? -1) + 1));
    expect(fixed.edges.map(({ path }) => path)).toEqual(broken.edges.map(({ path }) => path));

    const longer = graphOf(TEXT.replaceAll('checkout-canary', 'checkout-canary-of-the-shop'));
    expect(layout.of(longer, false)).toEqual(new Layout().of(longer, false));
    expect(computed).toBe(2);
    layout.of(longer, true);
    expect(computed).toBe(3);
  });
});
