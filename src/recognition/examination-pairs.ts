import { Turn } from '../base/turns.ts';
import { NEIGHBOURS, StrangerTail } from './examination-statistics.ts';

const CANDIDATES = 8;
const MAX_EXCESSES = 4096;

export interface Pair {
  readonly first: number;
  readonly second: number;
  readonly score: number;
}

/** The nearest nodes of each node, in 72 bytes. */
export class Nearest {
  readonly excesses: number[] = [];
  readonly #nodes: Int32Array;
  readonly #scores: Float32Array;
  readonly #starts: Float32Array;

  constructor(count: number) {
    this.#nodes = new Int32Array(count * CANDIDATES).fill(-1);
    this.#scores = new Float32Array(count * CANDIDATES);
    this.#starts = new Float32Array(count).fill(1);
  }

  /** @param others best first. */
  set(node: number, others: readonly number[], scores: readonly number[]): void {
    for (let rank = 0; rank < Math.min(CANDIDATES, others.length); rank++) {
      this.#nodes[node * CANDIDATES + rank] = others[rank] as number;
      this.#scores[node * CANDIDATES + rank] = scores[rank] as number;
    }
    if (scores.length < NEIGHBOURS) return;
    this.#starts[node] = StrangerTail.startOf(scores);
    if (this.excesses.length < MAX_EXCESSES) this.excesses.push(StrangerTail.excessOf(scores));
  }

  startOf(node: number): number {
    return this.#starts[node] as number;
  }

  /** Each pair once. */
  *pairs(): Generator<Pair> {
    for (let at = 0; at < this.#nodes.length; at++) {
      const node = Math.floor(at / CANDIDATES);
      const other = this.#nodes[at] as number;
      if (other < 0 || (other < node && this.#has(other, node))) continue;
      const [first, second] = node < other ? [node, other] : [other, node];
      yield { first, second, score: this.#scores[at] as number };
    }
  }

  #has(node: number, other: number): boolean {
    return this.#nodes.subarray(node * CANDIDATES, (node + 1) * CANDIDATES).includes(other);
  }
}

interface Joined {
  readonly members: number[];
  score: number;
  errorRate: number;
}

/** Joins pairs of nodes to people: a key joins if it is as certainly the person of half of the others. */
export async function joined(pairs: readonly (Pair & { readonly errorRate: number })[]): Promise<Joined[]> {
  const turn = new Turn();
  const partners = new Map<number, Set<number>>();
  for (const { first, second } of pairs) {
    partners.set(first, (partners.get(first) ?? new Set()).add(second));
    partners.set(second, (partners.get(second) ?? new Set()).add(first));
    if (turn.isOver) await turn.next();
  }
  const groupOf = new Map<number, Joined>();
  const groups: Joined[] = [];
  for (const { first, second, score, errorRate } of pairs) {
    if (turn.isOver) await turn.next();
    const [own, other] = [groupOf.get(first), groupOf.get(second)];
    const isSettled = own !== undefined && own === other;
    if (isSettled) continue;
    const group = own ?? other;
    const newcomer = own ? second : first;
    const agrees = group?.members.filter((node) => partners.get(newcomer)?.has(node)).length ?? 0;
    if (group && !(own && other) && 2 * agrees >= group.members.length) {
      group.members.push(newcomer);
      group.score = Math.min(group.score, score);
      group.errorRate = Math.max(group.errorRate, errorRate);
      groupOf.set(newcomer, group);
      continue;
    }
    const pair = { members: [first, second], score, errorRate };
    groups.push(pair);
    for (const node of pair.members) if (!groupOf.has(node)) groupOf.set(node, pair);
  }
  return groups;
}
