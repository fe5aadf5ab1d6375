import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nearest } from '../../src/base/nearest.ts';

describe('The nearest name', () => {
  test('differs in the fewest letters that are added, left out or replaced', () => {
    assert.equal(nearest('lisen', ['list', 'listen', 'threads']), 'listen');
    assert.equal(nearest('thraeds', ['listen', 'threads']), 'threads');
    assert.equal(nearest('max-que', ['max_queues_of_all', 'max_queue']), 'max_queue');
    assert.equal(nearest('xlisten', ['list', 'listen']), 'listen');
  });

  test('ignores case, and a dash stands for an underscore', () => {
    assert.equal(nearest('MAX-QUEUE', ['max_body', 'max_queue']), 'max_queue');
  });

  test('is none where each needs more than two edits and a third of its letters', () => {
    assert.equal(nearest('abcd', ['efgh', '']), null);
    assert.equal(nearest('ab', ['cdab']), 'cdab');
    assert.equal(nearest('ab', ['cdeab']), null);
    assert.equal(nearest('connections', ['max_connections']), 'max_connections');
  });
});
