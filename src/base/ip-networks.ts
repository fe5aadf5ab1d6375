/** Strict: no octal, hexadecimal or short IPv4. */
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

export interface Network {
  readonly address: Address;
  readonly prefix: number;
}

const MAX_LENGTH = 64;
const MAPPED_PREFIX = 96;

/** Maps `::ffff:192.0.2.1` to IPv4, drops a zone (`%eth0`). Null if invalid. */
export function parseAddress(text: string): Address | null {
  if (text.length > MAX_LENGTH) return null;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!isStrictIPv6(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  delete address.zoneId;
  return address;
}

function isStrictIPv6(text: string): boolean {
  if (!ipaddr.IPv6.isValid(text)) return false;
  const [withoutZone = ''] = text.split('%');
  const tail = withoutZone.slice(withoutZone.lastIndexOf(':') + 1);
  if (/^::\d+\./.test(withoutZone)) return false;
  return !tail.includes('.') || ipaddr.IPv4.isValidFourPartDecimal(tail);
}

/** Null if invalid. */
export function parseNetwork(text: string): Network | null {
  const match = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const address = match?.[1] === undefined ? null : parseAddress(match[1]);
  if (!match || address === null) return null;
  const isMapped = address.kind() === 'ipv4' && text.includes(':');
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  const prefix = match[2] === undefined ? bits : Number(match[2]) - (isMapped ? MAPPED_PREFIX : 0);
  return prefix < 0 || prefix > bits ? null : { address, prefix };
}

export function within(address: Address, networks: readonly Network[]): boolean {
  return networks.some(
    (network) =>
      address.kind() === network.address.kind() && matches(address, network.address, network.prefix),
  );
}

export function covered({ address, prefix }: Network, networks: readonly Network[]): boolean {
  return networks.some((network) => network.prefix <= prefix && within(address, [network]));
}

function matches(address: Address, network: Address, prefix: number): boolean {
  return (address as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || parseAddress(host)?.range() === 'loopback';
}
