import {
  GRAPH_INITIALIZER,
  GRAPH_INPUT,
  GRAPH_NODE,
  GRAPH_OUTPUT,
  readModel,
  readNode,
  readTensor,
  valueName,
  withCustomOperators,
  withGraph,
} from './onnx.ts';
import { SubgraphBuilder } from './subgraph-builder.ts';
import { bytesField, type Field } from './wire.ts';

/**
 * Replaces the longest supported beginning of a network by one custom operator in 16-bit integers.
 * @returns `model` itself if nothing changed.
 * @throws Error for an invalid ONNX file.
 */
export function fuseSubgraph(model: Uint8Array): Uint8Array {
  const file = readModel(model);
  const builder = new SubgraphBuilder(
    file.contents(GRAPH_INITIALIZER).map(readTensor),
    file.contents(GRAPH_INPUT).map(valueName),
    file.contents(GRAPH_NODE).map(readNode),
    file.contents(GRAPH_OUTPUT).map(valueName),
  );
  const subgraph = builder.build();
  if (!subgraph) return model;

  const isDropped = ({ number, content }: Field): boolean =>
    (number === GRAPH_INITIALIZER && subgraph.unread.has(readTensor(content).name)) ||
    (number === GRAPH_INPUT && subgraph.unread.has(valueName(content)));
  let place = 0;
  const kept = file.graphFields.flatMap((field) => {
    if (isDropped(field)) return [];
    if (field.number !== GRAPH_NODE) return [field.bytes];
    const replacement = place === 0 ? [bytesField(GRAPH_NODE, subgraph.node)] : [];
    return subgraph.replaced.has(place++) ? replacement : [...replacement, field.bytes];
  });
  return withCustomOperators(withGraph(file, kept));
}
