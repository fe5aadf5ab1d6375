/** IP addresses and networks, written strictly: no octal, hexadecimal or short IPv4. */
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network, or a single address as one of full length. */
export interface Network {
  readonly address: Address;
  /** Bits that count, 0..32 or 0..128. */
  readonly prefix: number;
}

/** Longer than any address with a zone. */
const MAX_LENGTH = 64;
const MAPPED_PREFIX = 96;

/**
 * Reads an address. An IPv4-mapped one (`::ffff:192.0.2.1`) is the IPv4 address; a zone (`%eth0`) is left out.
 * @returns null if the text is none.
 */
export function parseAddress(text: string): Address | null {
  if (text.length > MAX_LENGTH) return null;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || !isStrictIPv6(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  delete address.zoneId;
  return address;
}

/** A dotted tail must be strict too, and not of the old form `::192.0.2.1`, which the parser takes for a mapped one. */
function isStrictIPv6(text: string): boolean {
  if (!ipaddr.IPv6.isValid(text)) return false;
  const [withoutZone = ''] = text.split('%');
  const tail = withoutZone.slice(withoutZone.lastIndexOf(':') + 1);
  if (/^::\d+\./.test(withoutZone)) return false;
  return !tail.includes('.') || ipaddr.IPv4.isValidFourPartDecimal(tail);
}

/**
 * Reads an address or a network in CIDR notation, without zone. Mapped networks are IPv4 networks.
 * @returns null if the text is none.
 */
export function parseNetwork(text: string): Network | null {
  const match = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const address = match?.[1] === undefined ? null : parseAddress(match[1]);
  if (!match || address === null) return null;
  const isMapped = address.kind() === 'ipv4' && text.includes(':');
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  const prefix = match[2] === undefined ? bits : Number(match[2]) - (isMapped ? MAPPED_PREFIX : 0);
  return prefix < 0 || prefix > bits ? null : { address, prefix };
}

/** Whether an address is in one of the networks. */
export function within(address: Address, networks: readonly Network[]): boolean {
  return networks.some(
    (network) =>
      address.kind() === network.address.kind() && matches(address, network.address, network.prefix),
  );
}

/** Whether all of a network is in one of others. */
export function covered({ address, prefix }: Network, networks: readonly Network[]): boolean {
  return networks.some((network) => network.prefix <= prefix && within(address, [network]));
}

function matches(address: Address, network: Address, prefix: number): boolean {
  // `match` takes an address of its own kind only, which `within` has made sure of.
  return (address as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
}

/** Whether a host, a name or an address, is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || parseAddress(host)?.range() === 'loopback';
}
