/** Arguments that the test passes to a driver: URL of the service, key, and image in base64. */
import { readFileSync } from 'node:fs';

const [address = '', secret = '', file = ''] = process.argv.slice(2);

export const url: string = address;
export const key: string = secret;
export const image: string = readFileSync(file).toString('base64');

export function print(answers: object): void {
  console.log(JSON.stringify(answers));
}
