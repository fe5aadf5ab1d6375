/**
 * The form of an automated attack: a class of hostile behaviour, many attempts, and a count of those that succeed. The
 * suite runs a few attempts of each; `npm run test:attack` runs all of them and prints a table.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** Whether every attempt is made, as `npm run test:attack` does, or only the short form of `npm test`. */
export const isFull = process.env.VISAGE_ATTACK === 'full';

/** Starts a line that `scripts/test-attack.mjs` reads; the rest of the line is JSON. */
const RESULT_MARK = 'attack-result ';

/** Counts the attempts of one attack. */
export class Tally {
  attempts = 0;
  /** Describes each successful attempt in words, without secrets. */
  readonly successes: string[] = [];

  /**
   * Records one attempt.
   * @param what the attempt in words, for the report of a success.
   * @param succeeded whether the attacker got what they wanted.
   */
  attempt(what: string, succeeded: boolean): void {
    this.attempts++;
    if (succeeded) this.successes.push(what);
  }
}

/**
 * Registers an attack as a test that fails if any attempt succeeds, or if no attempt was made.
 * @param name a sentence about the defence, such as "A key of a removed member opens nothing".
 * @param run makes the attempts; use `isFull` to choose how many.
 */
export function attack(name: string, run: (tally: Tally) => Promise<void>): void {
  test(name, async () => {
    const tally = new Tally();
    await run(tally);
    const { attempts, successes } = tally;
    console.log(`${RESULT_MARK}${JSON.stringify({ name, attempts, successes: successes.length })}`);
    assert.ok(attempts > 0, 'the attack made no attempt');
    assert.deepEqual(successes.slice(0, 20), [], `${successes.length} of ${attempts} attempts succeeded`);
  });
}
