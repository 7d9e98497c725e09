import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode } from '../../src/dashboard/messages.ts';

/** A node with its place: the middle, and its size. */
export interface PlacedNode extends GraphNode {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge with its path, and where its label is. */
export interface PlacedEdge extends GraphEdge {
  readonly path: string;
  readonly x: number;
  readonly y: number;
}

/** A graph with all its places. */
export interface PlacedGraph {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

type PlacedLabel = Partial<Point> & { readonly points: readonly Point[] };

const CHARACTER = 7.2;
const PADDING = 22;
const HEIGHT = 46;
const LABEL = { width: 52, height: 18 };

/**
 * Returns the places of all nodes and edges. On a wide page requests go from left to right, and the Rollout is below the
 * Services; on a narrow one they go down, and it is below its pods.
 */
export function layout({ nodes, edges }: Graph, isNarrow: boolean): PlacedGraph {
  const graph = new dagre.graphlib.Graph<object, Size, object>({ multigraph: true });
  graph.setGraph({
    rankdir: isNarrow ? 'TB' : 'LR',
    nodesep: isNarrow ? 16 : 26,
    ranksep: isNarrow ? 26 : 30,
    marginx: 4,
    marginy: 6,
  });
  const most = isNarrow ? 158 : 196;
  for (const node of nodes) {
    const characters = Math.max(node.title.length * 0.92, node.name.length);
    graph.setNode(node.id, { width: Math.min(most, Math.max(96, characters * CHARACTER + PADDING)), height: HEIGHT });
  }
  const isTurned = ({ from, to }: GraphEdge): boolean =>
    isNarrow && from.startsWith('Rollout') && to.startsWith('pods/');
  edges.forEach((edge, index) => {
    const [from, to] = isTurned(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
    const hasLabel = edge.side !== undefined || edge.label !== undefined;
    const weight = edge.kind === 'traffic' ? 4 : 1;
    const label = { ...LABEL, width: Math.max(LABEL.width, (edge.label ?? '').length * 7 + 12) };
    graph.setEdge(from, to, { weight, labelpos: 'c', ...(hasLabel ? label : {}) }, String(index));
  });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  return {
    width,
    height,
    nodes: nodes.map((node) => {
      const { x, y, width: own, height: high } = graph.node(node.id) as Point & Size;
      return { ...node, x, y, width: own, height: high };
    }),
    edges: edges.map((edge, index) => {
      const [v, w] = isTurned(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
      const { points, x, y } = graph.edge({ v, w, name: String(index) }) as PlacedLabel;
      const ordered = isTurned(edge) ? points.toReversed() : points;
      const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
      return { ...edge, path: smooth(ordered), x: x ?? middle.x, y: y ?? middle.y };
    }),
  };
}

// Through the middles of the segments, with the points as handles.
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const round = (value: number): number => Math.round(value * 10) / 10;
  const text = (x: number, y: number): string => `${round(x)} ${round(y)}`;
  let path = `M ${text(first.x, first.y)}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (next === undefined) path += ` L ${text(point.x, point.y)}`;
    else path += ` Q ${text(point.x, point.y)} ${text((point.x + next.x) / 2, (point.y + next.y) / 2)}`;
  });
  return path;
}
