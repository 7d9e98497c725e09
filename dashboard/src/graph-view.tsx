import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Graph, GraphEdge, JudgedFinding, ShownStage, TemplateRef } from '../../src/dashboard/messages.ts';
import { Layout, type PlacedEdge, type PlacedNode } from './graph-layout.ts';

const NARROW = 560;

interface GraphProps {
  readonly graph: Graph;
  readonly findings: readonly JudgedFinding[];
  /** The stage whose weights and pods are shown; undefined without a timeline. */
  readonly stage: ShownStage | undefined;
  /** Called with the line of the node that was chosen. */
  readonly onGoTo: (line: number) => void;
}

/** What the Rollout controls, with the share of requests on each edge at one stage. */
export function GraphView({ graph, findings, stage, onGoTo }: GraphProps) {
  const { element, width } = useWidth();
  const isNarrow = width < NARROW;
  const [layout] = useState(() => new Layout());
  const placed = useMemo(() => layout.of(graph, isNarrow), [graph, isNarrow]);
  // Smaller than this nobody could read it. Then it is scrolled.
  const scale = Math.min(1, Math.max(0.78, width / placed.width));
  return (
    <>
      {graph.more !== undefined && (
        <p class="hint">The graph is too large: {graph.more} more objects and edges are not shown.</p>
      )}
      <div class="graph" ref={element} tabIndex={0} role="region" aria-label="Graph of what the Rollout controls">
        <svg
          width={placed.width * scale}
          height={placed.height * scale}
          viewBox={`0 0 ${placed.width} ${placed.height}`}
          role="group"
          aria-label={descriptionOf(graph, stage)}
        >
          <defs>
            {['plain', 'deny', 'warn', 'stable', 'canary', 'experiment'].map((kind) => (
              <marker
                key={kind}
                id={`arrow-${kind}`}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth="8"
                markerHeight="8"
                markerUnits="userSpaceOnUse"
                orient="auto"
              >
                <path d="M 0 0 L 8 4 L 0 8 z" class={`arrow ${kind}`} />
              </marker>
            ))}
          </defs>
          {placed.edges.map((edge) => (
            <Edge key={keyOf(edge)} edge={edge} stage={stage} findings={findings} />
          ))}
          {placed.edges.map((edge) => (
            <Label key={keyOf(edge)} edge={edge} stage={stage} />
          ))}
          {placed.nodes.map((node) => (
            <Node key={node.id} node={node} stage={stage} findings={findings} onGoTo={onGoTo} />
          ))}
        </svg>
      </div>
    </>
  );
}

function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(700);
  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 700));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return { element, width };
}

function keyOf({ from, to, side }: GraphEdge): string {
  return `${from} ${to} ${side ?? ''}`;
}

function shareOf({ side, experiment }: GraphEdge, stage: ShownStage | undefined): number | undefined {
  if (stage === undefined) return undefined;
  if (experiment !== undefined) return runningOf(experiment, stage)?.traffic ?? 0;
  return side === undefined ? undefined : stage.traffic[side];
}

// Nothing of an experiment exists at another step.
function runningOf({ step, template }: TemplateRef, { row, experiment }: ShownStage) {
  return row.step === String(step) ? experiment.find(({ name }) => name === template) : undefined;
}

function colorOf({ level, kind, side, experiment }: GraphEdge): string {
  const own = experiment === undefined ? side : 'experiment';
  return level ?? (kind === 'traffic' ? own : undefined) ?? 'plain';
}

function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 1 ? '<1' : Math.round(value)} %`;
}

function Edge({
  edge,
  stage,
  findings,
}: {
  edge: PlacedEdge;
  stage: ShownStage | undefined;
  findings: readonly JudgedFinding[];
}) {
  const share = shareOf(edge, stage);
  const color = colorOf(edge);
  const width = edge.level === 'deny' ? Math.max(2.5, (share ?? 0) * 6) : share === undefined ? 1.5 : 1 + share * 5;
  return (
    <g class={`edge ${edge.kind} ${color}${share === 0 ? ' idle' : ''}`} data-edge={keyOf(edge)}>
      {edge.findings.length > 0 && (
        <title>{edge.findings.map((index) => findings[index]?.message ?? '').join('\n')}</title>
      )}
      <path d={edge.path} stroke-width={width} marker-end={`url(#arrow-${color})`} />
    </g>
  );
}

function Label({ edge, stage }: { edge: PlacedEdge; stage: ShownStage | undefined }) {
  const share = shareOf(edge, stage);
  const text = share === undefined ? edge.label : percent(share);
  if (text === undefined) return null;
  const width = text.length * 7 + 12;
  return (
    <g class={`edge-label ${colorOf(edge)}`}>
      <rect x={edge.x - width / 2} y={edge.y - 9} width={width} height="18" rx="9" />
      <text x={edge.x} y={edge.y + 4}>
        {text}
      </text>
    </g>
  );
}

interface NodeProps {
  readonly node: PlacedNode;
  readonly stage: ShownStage | undefined;
  readonly findings: readonly JudgedFinding[];
  readonly onGoTo: (line: number) => void;
}

function Node({ node, stage, findings, onGoTo }: NodeProps) {
  const { x, y, width, height, kind, side, experiment, level, isMissing, line } = node;
  const name = kind === 'pods' ? podsText(node, stage) : isMissing === true ? `${node.name}: not found` : node.name;
  const room = Math.floor((width - 16) / 6.9);
  const act = line === undefined ? undefined : (): void => onGoTo(line);
  const says = [`${node.title} ${name}`.trim(), ...node.findings.map((index) => findings[index]?.message ?? '')];
  return (
    <g
      class={`node ${kind} ${experiment === undefined ? (side ?? '') : 'experiment'} ${level ?? ''} ${isMissing === true ? 'missing' : ''}`}
      transform={`translate(${x - width / 2} ${y - height / 2})`}
      data-node={node.id}
      {...(act === undefined
        ? { role: 'img', 'aria-label': says.join('; ') }
        : {
            role: 'button',
            // In SVG Preact keeps the letters of names as they are.
            tabindex: 0,
            onClick: act,
            onKeyDown: (event: KeyboardEvent) => {
              if (event.key === 'Enter' || event.key === ' ') {
                event.preventDefault();
                act();
              }
            },
          })}
    >
      <desc>{says.join('; ')}</desc>
      <rect width={width} height={height} rx={kind === 'entry' ? height / 2 : 7} />
      <text class="title" x={width / 2} y={name === '' ? 28 : 19}>
        {short(node.title, Math.floor((width - 16) / 6))}
      </text>
      <text class="name" x={width / 2} y="35">
        {short(name, room)}
      </text>
    </g>
  );
}

function podsText({ side, experiment }: PlacedNode, stage: ShownStage | undefined): string {
  if (stage === undefined) return '';
  if (experiment !== undefined) return String(runningOf(experiment, stage)?.pods ?? 0);
  return side === undefined ? '' : String(stage.pods[side]);
}

function short(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

function descriptionOf({ nodes, edges }: Graph, stage: ShownStage | undefined): string {
  const names = new Map(nodes.map(({ id, title, name }) => [id, `${title} ${name}`.trim()]));
  const sentences = edges
    .filter(({ kind }) => kind === 'traffic')
    .map((edge) => {
      const share = shareOf(edge, stage);
      const wrong = edge.level === undefined ? '' : ', with a problem';
      return `${names.get(edge.from)} to ${names.get(edge.to)}${share === undefined ? '' : `, ${percent(share)}`}${wrong}`;
    });
  return `Requests: ${sentences.join('; ')}`;
}
