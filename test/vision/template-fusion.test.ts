import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openSearchSpace } from '../../src/native/gallery-index.ts';
import { innerProduct as scoreOf } from '../../src/vision/impostors.ts';
import { fusedScore, maxFusedScore } from '../../src/vision/template-fusion.ts';

const space = openSearchSpace(2);
const ROUNDING = 1e-3;

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < ROUNDING, `${actual} is not ${expected}`);
const unit = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const ONE_PERSON = 0.3;

describe('The score of several templates', () => {
  test('is that of the one in their middle', () => {
    near(fusedScore(space, unit(0), [unit(30), unit(50)], ONE_PERSON), Math.cos((40 * Math.PI) / 180));
    near(fusedScore(space, unit(40), [unit(20), unit(60)], ONE_PERSON), 1);
    near(
      fusedScore(space, unit(10), [unit(20), unit(30), unit(40)], ONE_PERSON),
      Math.cos((20 * Math.PI) / 180),
    );
  });

  test('is the best one where they are not of one person', () => {
    near(fusedScore(space, unit(5), [unit(0), unit(90)], ONE_PERSON), scoreOf(unit(5), unit(0)));
    near(fusedScore(space, unit(5), [unit(0), unit(180)], ONE_PERSON), scoreOf(unit(5), unit(0)));
  });

  test('is the best one where most of them are of one person, and one is not', () => {
    const most = [unit(0), unit(0), unit(0), unit(5), unit(90)];
    near(fusedScore(space, unit(85), most, ONE_PERSON), scoreOf(unit(85), unit(90)));
    near(fusedScore(space, unit(2), most, ONE_PERSON), scoreOf(unit(2), unit(0)));
  });

  test('is never more than is said of the best one', () => {
    for (let angle = 0; angle <= 70; angle += 5) {
      const templates = [unit(angle), unit(-angle), unit(angle / 2)];
      for (const probe of [0, 20, 45, 80].map(unit)) {
        const best = Math.max(...templates.map((template) => scoreOf(probe, template)));
        const fused = fusedScore(space, probe, templates, ONE_PERSON);
        assert.ok(
          fused <= maxFusedScore(space, best, ONE_PERSON) + ROUNDING,
          `${angle}: ${fused} of ${best}`,
        );
      }
    }
  });

  test('is the only one’s where there is one', () => {
    near(fusedScore(space, unit(0), [unit(60)], ONE_PERSON), 0.5);
  });

  test('does not depend on their order, nor on one being there twice', () => {
    const [a, b, c] = [unit(3), unit(20), unit(31)];
    near(
      fusedScore(space, unit(0), [a, b, c], ONE_PERSON),
      fusedScore(space, unit(0), [c, a, b], ONE_PERSON),
    );
    near(fusedScore(space, unit(0), [b, b], ONE_PERSON), scoreOf(unit(0), b));
  });
});
