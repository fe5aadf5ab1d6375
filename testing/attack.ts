/** The suite makes a few attempts of each; `npm run test:attack` makes all and prints a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** All attempts, or the short form of `npm test`. */
export const isFull = process.env.VISAGE_ATTACK === 'full';

const RESULT_MARK = 'attack-result ';

export class Tally {
  attempts = 0;
  readonly successes: string[] = [];

  attempt(what: string, succeeded: boolean): void {
    this.attempts++;
    if (succeeded) this.successes.push(what);
  }
}

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
