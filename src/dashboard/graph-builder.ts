import type { SourceObject } from '../world/manifests.ts';
import { refOf, type KubeObject, type ObjectRef } from '../world/object.ts';
import { renderPath, type Path } from '../world/path.ts';
import type { ReportedFinding } from '../report/model.ts';
import type { Graph, GraphEdge, GraphNode, Level } from './messages.ts';

/** A part of an object whose findings an edge or a node shows. */
export interface FindingPlace {
  readonly object: ObjectRef;
  /** As findings render it. Empty for the whole object. */
  readonly path: string;
}

// More cannot be seen at once, and the places of many more take minutes to compute.
const MOST_NODES = 300;
const MOST_EDGES = 600;

type Draft<T> = Omit<T, 'findings' | 'level'> & { places: readonly FindingPlace[] };

/** A node without its findings. */
export type NewNode = Omit<GraphNode, 'findings' | 'level' | 'line'> & { readonly object?: KubeObject };
/** An edge without its findings. */
export type NewEdge = Omit<GraphEdge, 'findings' | 'level'>;

/** Collects nodes and edges, each once, and gives every finding to the edges that it is about, else to the nodes. */
export class GraphBuilder {
  readonly #nodes = new Map<string, Draft<GraphNode>>();
  readonly #edges = new Map<string, Draft<GraphEdge>>();
  readonly #sources: readonly SourceObject[];

  constructor(sources: readonly SourceObject[]) {
    this.#sources = sources;
  }

  /** Adds a node, unless there is one with its id. Its places are added in either case. */
  node({ object, ...node }: NewNode, places: readonly FindingPlace[] = []): void {
    const own = object === undefined ? [] : [{ object: refOf(object), path: '' }];
    const source = object === undefined ? undefined : this.#sources.find((each) => each.object === object);
    const known = this.#nodes.get(node.id);
    if (known !== undefined) known.places = [...known.places, ...places];
    else
      this.#nodes.set(node.id, {
        ...node,
        ...(source === undefined ? {} : { line: source.position([]).line }),
        places: [...own, ...places],
      });
  }

  /** Adds an edge, unless there is one between these nodes. Its places are added in either case. */
  edge(edge: NewEdge, places: readonly FindingPlace[] = []): void {
    const id = JSON.stringify([edge.from, edge.to, edge.side ?? '']);
    const known = this.#edges.get(id);
    if (known === undefined) this.#edges.set(id, { ...edge, places: [...places] });
    else known.places = [...known.places, ...places];
  }

  hasEdgeFrom(from: string): boolean {
    return [...this.#edges.values()].some((edge) => edge.from === from);
  }

  /** Returns the graph with its findings. Of a graph that is too large, the part with findings comes first. */
  build(findings: readonly ReportedFinding[]): Graph {
    const onEdges = new Set<number>();
    const edges = [...this.#edges.values()].map(({ places, ...edge }): GraphEdge => {
      const shown = indexesAt(places, findings);
      shown.forEach((index) => onEdges.add(index));
      return { ...edge, ...levelOf(shown, findings), findings: shown };
    });
    const nodes = [...this.#nodes.values()].map(({ places, ...node }): GraphNode => {
      const shown = indexesAt(places, findings);
      const level = levelOf(
        shown.filter((index) => !onEdges.has(index)),
        findings,
      );
      return { ...node, ...level, findings: shown };
    });
    const shownNodes = worstFirst(nodes, MOST_NODES);
    const ids = new Set(shownNodes.map(({ id }) => id));
    const shownEdges = worstFirst(
      edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
      MOST_EDGES,
    );
    const more = nodes.length - shownNodes.length + edges.length - shownEdges.length;
    return { nodes: shownNodes, edges: shownEdges, ...(more === 0 ? {} : { more }) };
  }
}

// In their order, and at most so many.
function worstFirst<T extends GraphNode | GraphEdge>(parts: readonly T[], most: number): readonly T[] {
  if (parts.length <= most) return parts;
  const at = (level: Level | undefined): readonly T[] => parts.filter((part) => part.level === level);
  const kept = new Set([...at('deny'), ...at('warn'), ...at(undefined)].slice(0, most));
  return parts.filter((part) => kept.has(part));
}

/** Returns the place of a path in an object. */
export function placeOf(object: KubeObject, path: Path): FindingPlace {
  return { object: refOf(object), path: renderPath(path) };
}

function indexesAt(places: readonly FindingPlace[], findings: readonly ReportedFinding[]): readonly number[] {
  return findings.flatMap((finding, index) => (places.some((place) => isAt(finding, place)) ? [index] : []));
}

function isAt({ object, path }: ReportedFinding, place: FindingPlace): boolean {
  return (
    object.kind === place.object.kind &&
    object.name === place.object.name &&
    object.namespace === place.object.namespace &&
    (place.path === '' || path === place.path || path.startsWith(`${place.path}.`) || path.startsWith(`${place.path}[`))
  );
}

function levelOf(shown: readonly number[], findings: readonly ReportedFinding[]): { readonly level?: Level } {
  if (shown.some((index) => findings[index]?.decision === 'deny')) return { level: 'deny' };
  return shown.length > 0 ? { level: 'warn' } : {};
}
