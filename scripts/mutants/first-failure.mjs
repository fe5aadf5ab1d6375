/** A reporter of node:test that ends the process at the first failure. */
export default async function* firstFailure(events) {
  for await (const { type, data } of events) {
    if (type === 'test:fail' && data.todo === undefined) process.exit(1);
    yield '';
  }
}
