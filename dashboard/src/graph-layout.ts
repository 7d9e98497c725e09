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

/** Where nodes and edges are, in the order of the graph. */
interface Places {
  readonly nodes: readonly Pick<PlacedNode, 'x' | 'y' | 'width' | 'height'>[];
  readonly edges: readonly Pick<PlacedEdge, 'path' | 'x' | 'y'>[];
  readonly width: number;
  readonly height: number;
}

/** What the places depend on. Most edits change nothing of it. */
interface Shape {
  readonly isNarrow: boolean;
  readonly nodes: readonly (Size & { readonly id: string })[];
  readonly edges: readonly (Pick<GraphEdge, 'from' | 'to' | 'kind'> & { readonly label: Size | undefined })[];
}

const CHARACTER = 7.7;
const PADDING = 22;
const HEIGHT = 46;
const LABEL = { width: 52, height: 18 };

/** Places graphs, and keeps the places of the last one: they take longer to compute than all the rest of an answer. */
export class Layout {
  readonly #place: (shape: Shape) => Places;
  #last = { shape: '', places: NO_PLACES };

  /** @param place - Computes the places. */
  constructor(place = placesOf) {
    this.#place = place;
  }

  /**
   * Returns the places of all nodes and edges. On a wide page requests go from left to right, and the Rollout is below the
   * Services; on a narrow one they go down, and it is below its pods.
   */
  of(graph: Graph, isNarrow: boolean): PlacedGraph {
    const shape = shapeOf(graph, isNarrow);
    const text = JSON.stringify(shape);
    if (this.#last.shape !== text) this.#last = { shape: text, places: this.#place(shape) };
    const { nodes, edges, width, height } = this.#last.places;
    return {
      width,
      height,
      nodes: graph.nodes.map((node, index) => ({ ...node, ...(nodes[index] ?? NOWHERE) })),
      edges: graph.edges.map((edge, index) => ({ ...edge, ...(edges[index] ?? NO_PATH) })),
    };
  }
}

const NO_PLACES: Places = { nodes: [], edges: [], width: 0, height: 0 };
const NOWHERE = { x: 0, y: 0, width: 0, height: 0 };
const NO_PATH = { path: '', x: 0, y: 0 };

function shapeOf({ nodes, edges }: Graph, isNarrow: boolean): Shape {
  const most = isNarrow ? 158 : 196;
  return {
    isNarrow,
    nodes: nodes.map(({ id, title, name }) => {
      const characters = Math.max(title.length * 0.92, name.length);
      return { id, width: Math.min(most, Math.max(96, characters * CHARACTER + PADDING)), height: HEIGHT };
    }),
    edges: edges.map(({ from, to, kind, side, experiment, label }) => ({
      from,
      to,
      kind,
      // A share of the requests, which may have another number of digits at another stage.
      label:
        side === undefined && experiment === undefined && label === undefined
          ? undefined
          : { ...LABEL, width: Math.max(LABEL.width, (label ?? '').length * 7 + 12) },
    })),
  };
}

/** Computes the places of nodes and edges. */
export function placesOf({ isNarrow, nodes, edges }: Shape): Places {
  const graph = new dagre.graphlib.Graph<object, Size, object>({ multigraph: true });
  graph.setGraph({
    rankdir: isNarrow ? 'TB' : 'LR',
    nodesep: isNarrow ? 16 : 26,
    ranksep: isNarrow ? 26 : 30,
    marginx: 4,
    marginy: 6,
  });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  const endsOf = ({ from, to }: Pick<GraphEdge, 'from' | 'to'>): readonly [v: string, w: string, isTurned: boolean] =>
    isNarrow && from.startsWith('Rollout') && to.startsWith('pods/') ? [to, from, true] : [from, to, false];
  edges.forEach((edge, index) => {
    const [from, to] = endsOf(edge);
    const weight = edge.kind === 'traffic' ? 4 : 1;
    graph.setEdge(from, to, { weight, labelpos: 'c', ...edge.label }, String(index));
  });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  return {
    width,
    height,
    nodes: nodes.map((node) => {
      const { x, y } = graph.node(node.id) as Point & Size;
      return { x, y, width: node.width, height: node.height };
    }),
    edges: edges.map((edge, index) => {
      const [v, w, isTurned] = endsOf(edge);
      const { points, x, y } = graph.edge({ v, w, name: String(index) }) as PlacedLabel;
      const ordered = isTurned ? points.toReversed() : points;
      const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
      return { path: smooth(ordered), x: x ?? middle.x, y: y ?? middle.y };
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
