/**
 * One-line faults: where they can be planted, and how. A fault is `{ file, at, end, text, kind }`: the characters
 * `at`..`end` of the file are replaced by `text`.
 */
import { parse } from 'acorn';

const COMPARISONS = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===' };
const ARITHMETIC = { '+': '-', '-': '+', '*': '/', '/': '*' };

const TELLS = /^(?:log|console|this\.#?log|this\.#options\.log)\b/;

function* childrenOf(node) {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child.type === 'string') yield child;
    }
  }
}

function isText(node) {
  return node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string');
}

/** A minus between joined texts is no realistic fault. */
function joinsText(node) {
  return [node.left, node.right].some((side) => isText(side) || (side.operator === '+' && joinsText(side)));
}

function operatorAt(source, { left, right, operator }) {
  const at = source.indexOf(operator, left.end);
  return at >= 0 && at < right.start ? at : null;
}

function* faultsOf(node, source) {
  const text = (part) => source.slice(part.start, part.end);
  const replace = (part, replacement, kind) => ({ at: part.start, end: part.end, text: replacement, kind });
  switch (node.type) {
    case 'BinaryExpression': {
      const at = operatorAt(source, node);
      const other = COMPARISONS[node.operator] ?? (joinsText(node) ? undefined : ARITHMETIC[node.operator]);
      if (at !== null && other) {
        yield { at, end: at + node.operator.length, text: other, kind: `${node.operator} becomes ${other}` };
      }
      if (node.operator === '+' && !joinsText(node)) {
        yield replace(node, text(node.right), 'left addend dropped');
        yield replace(node, text(node.left), 'right addend dropped');
      }
      break;
    }
    case 'LogicalExpression':
      if (node.operator !== '??') {
        yield replace(node, text(node.left), `right side of ${node.operator} dropped`);
        yield replace(node, text(node.right), `left side of ${node.operator} dropped`);
      }
      break;
    case 'UnaryExpression':
      if (node.operator === '!') yield replace(node, text(node.argument), '! dropped');
      break;
    case 'IfStatement':
    case 'ConditionalExpression':
      yield replace(node.test, 'true', 'condition always holds');
      yield replace(node.test, 'false', 'condition never holds');
      break;
    case 'ExpressionStatement': {
      const { expression } = node;
      const call = expression.type === 'AwaitExpression' ? expression.argument : expression;
      const isWork = call.type === 'CallExpression' && !TELLS.test(text(call));
      if (isWork && text(call.callee) !== 'super') yield replace(node, ';', 'call dropped');
      if (expression.type === 'AssignmentExpression') yield replace(node, ';', 'assignment dropped');
      break;
    }
    case 'ThrowStatement':
      yield replace(node, ';', 'throw dropped');
      break;
    case 'Literal':
      if (typeof node.value === 'number') yield replace(node, String(node.value + 1), 'number plus one');
      if (typeof node.value === 'boolean') yield replace(node, String(!node.value), 'boolean turned');
      break;
  }
}

function isAside(node, source) {
  if (node.type === 'CallExpression' && TELLS.test(source.slice(node.callee.start, node.callee.end)))
    return true;
  const name = node.type === 'Property' ? (node.key.name ?? node.key.value) : undefined;
  return ['description', 'examples', 'example', 'summary', 'title', 'tags'].includes(name);
}

/** @param {string} source @returns {{ at: number, end: number, text: string, kind: string }[]} */
export function javaScriptFaults(source) {
  const faults = [];
  const walk = (node) => {
    if (node.type.startsWith('Import') || isAside(node, source)) return;
    faults.push(...faultsOf(node, source));
    for (const child of childrenOf(node)) walk(child);
  };
  walk(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }));
  return faults.filter(({ at, end, text }) => source.slice(at, end) !== text);
}

/** Operators of C++ with blanks around them, as clang-format writes them: no template bracket has those. */
const CPP_OPERATORS = {
  ' < ': ' <= ',
  ' <= ': ' < ',
  ' > ': ' >= ',
  ' >= ': ' > ',
  ' == ': ' != ',
  ' != ': ' == ',
  ' && ': ' || ',
  ' || ': ' && ',
  ' + ': ' - ',
  ' - ': ' + ',
};
const CPP_STATEMENTS = [
  [
    /^\s+return (?:true|false);$/,
    (line) => line.replace(/true|false/, (word) => String(word !== 'true')),
    'boolean turned',
  ],
  [/^\s+throw [^;]*;$/, (line) => line.replace(/throw.*/, ';'), 'throw dropped'],
  [/^\s+(?:\+\+\w+|\w+\+\+);$/, (line) => line.replace(/\S.*/, ';'), 'increment dropped'],
  [/^\s+[a-z_]\w* [-+|]= [^;]*;$/, (line) => line.replace(/\S.*/, ';'), 'assignment dropped'],
  [/^\s+[a-z_]\w*(?:\.|->)\w+\([^;]*\);$/, (line) => line.replace(/\S.*/, ';'), 'call dropped'],
];

export function cppFaults(source) {
  const faults = [];
  let at = 0;
  let isForeign = false;
  for (const line of source.split('\n')) {
    if (/^#(?:if|elif)/.test(line)) isForeign = process.arch !== 'arm64' && line.includes('__aarch64__');
    else if (/^#(?:else|endif)/.test(line)) isForeign = false;
    const isCode = !isForeign && !/^\s*(?:\/\/|#|\*|template|static_assert|\w+:$)/.test(line);
    const code = line.split(' // ')[0];
    for (const [operator, other] of isCode ? Object.entries(CPP_OPERATORS) : []) {
      for (let column = code.indexOf(operator); column >= 0; column = code.indexOf(operator, column + 1)) {
        const begin = at + column;
        faults.push({
          at: begin,
          end: begin + operator.length,
          text: other,
          kind: `${operator.trim()} becomes ${other.trim()}`,
        });
      }
    }
    for (const [pattern, change, kind] of isCode ? CPP_STATEMENTS : []) {
      if (pattern.test(line)) faults.push({ at, end: at + line.length, text: change(line), kind });
    }
    at += line.length + 1;
  }
  return faults;
}

/** The number of the line, from 1, and the line with the fault in it. */
export function lineOf(source, { at, end, text }) {
  const line = source.slice(0, at).split('\n').length;
  const start = source.lastIndexOf('\n', at - 1) + 1;
  const stop = source.indexOf('\n', end);
  const rest = source.slice(end, stop < 0 ? undefined : stop);
  return {
    line,
    before: source.slice(start, stop < 0 ? undefined : stop).trim(),
    after: (source.slice(start, at) + text + rest).trim(),
  };
}
