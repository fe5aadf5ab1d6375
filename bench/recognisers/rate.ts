export async function rateOf(
  ask: (picture: Buffer) => Promise<unknown>,
  pictures: readonly Buffer[],
  clients: number,
  seconds: number,
): Promise<number> {
  const began = performance.now();
  let asked = 0;
  const client = async () => {
    while (asked < 2 * clients || performance.now() - began < 1000 * seconds) {
      await ask(pictures[asked++ % pictures.length] as Buffer);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (1000 * asked) / (performance.now() - began);
}
