import { networkInterfaces } from 'node:os';
import { type Address, type Network, parseAddress, parseNetwork, within } from '../base/ip-networks.ts';
import type { WebConfig } from '../config/config.ts';

export type ImageUrlPolicy = (accountId: string, address: Address, port: number) => boolean;

function networks(...texts: string[]): Network[] {
  return texts.map((text) => parseNetwork(text) as Network);
}

/** RFC 4291, IANA; excludes `::127.0.0.1`. */
const GLOBAL_UNICAST = networks('2000::/3');

/** Azure uses a public address (168.63.129.16). */
const METADATA = networks(
  '169.254.169.254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
);

const ALLOWABLE = new Set(['unicast', 'private', 'uniqueLocal', 'carrierGradeNat']);

/** ISATAP (RFC 5214): the last 64 bits hold an IPv4 target. */
function isTunnel(address: Address): boolean {
  if (address.kind() === 'ipv4') return false;
  const { parts } = address as { parts: number[] } & Address;
  return parts[5] === 0x5efe && ((parts[4] as number) & 0xfcff) === 0;
}

function isNever(address: Address): boolean {
  return within(address, METADATA) || isTunnel(address);
}

/** False also for addresses translated or tunnelled to IPv4. */
export function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || isNever(address)) return false;
  return address.kind() === 'ipv4' || within(address, GLOBAL_UNICAST);
}

function isAllowable(address: Address): boolean {
  if (!ALLOWABLE.has(address.range()) || isNever(address)) return false;
  return address.range() !== 'unicast' || isPublic(address);
}

function ownAddresses(): Network[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .flatMap(({ address }) => parseNetwork(address.split('%', 1)[0] as string) ?? []);
}

/**
 * Always refuses loopback, link-local, metadata and this service.
 * @param ownPorts read at each call.
 */
export function imageUrlPolicy(
  { ports, allow }: WebConfig['imageUrl'],
  ownPorts: () => readonly number[],
  own: () => readonly Network[] = ownAddresses,
): ImageUrlPolicy {
  return (accountId, address, port) => {
    if (ownPorts().includes(port) && within(address, own())) return false;
    if (isPublic(address) && ports.includes(port)) return true;
    return (
      isAllowable(address) &&
      allow.some(
        (permission) =>
          permission.accountId === accountId &&
          permission.port === port &&
          within(address, [permission.network]),
      )
    );
  };
}

/** @param host from `URL.hostname`. */
export function literalAddress(host: string): Address | null {
  return parseAddress(host.startsWith('[') ? host.slice(1, -1) : host);
}
