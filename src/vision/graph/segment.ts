import {
  GRAPH_INITIALIZER,
  GRAPH_INPUT,
  GRAPH_NODE,
  GRAPH_OUTPUT,
  readModel,
  readNode,
  readTensor,
  valueName,
  withGraph,
} from './onnx.ts';
import { withOwnOperators } from './own-operators.ts';
import { SegmentBuilder } from './segment-builder.ts';
import { bytesField, type Field } from './wire.ts';

/**
 * Puts the longest beginning of a network that is made of convolutions, normalisations, PReLU, ReLU, sums, constant factors
 * and joined channels into one operator of our own, which works with integers of 16 bits and without changes of layout. The
 * nodes behind it stay.
 * @param model an ONNX file. @throws Error with one sentence where it is none.
 * @returns the very bytes that were given where nothing was replaced.
 */
export function joinSegment(model: Uint8Array): Uint8Array {
  const file = readModel(model);
  const builder = new SegmentBuilder(
    file.contents(GRAPH_INITIALIZER).map(readTensor),
    file.contents(GRAPH_INPUT).map(valueName),
    file.contents(GRAPH_NODE).map(readNode),
    file.contents(GRAPH_OUTPUT).map(valueName),
  );
  const segment = builder.build();
  if (!segment) return model;

  const isDropped = ({ number, content }: Field): boolean =>
    (number === GRAPH_INITIALIZER && segment.unread.has(readTensor(content).name)) ||
    (number === GRAPH_INPUT && segment.unread.has(valueName(content)));
  let place = 0;
  const kept = file.graphFields.flatMap((field) => {
    if (isDropped(field)) return [];
    if (field.number !== GRAPH_NODE) return [field.bytes];
    const replacement = place === 0 ? [bytesField(GRAPH_NODE, segment.node)] : [];
    return segment.replaced.has(place++) ? replacement : [...replacement, field.bytes];
  });
  return withOwnOperators(withGraph(file, kept));
}
