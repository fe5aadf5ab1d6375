/** Which addresses pictures may be fetched from. */
import { networkInterfaces } from 'node:os';
import { type Address, type Network, parseAddress, parseNetwork, within } from '../config/networks.ts';
import type { WebConfig } from '../config/web-settings.ts';

/** Whether an account may fetch from an address and port. */
export type ImageUrlPolicy = (accountId: string, address: Address, port: number) => boolean;

function networks(...texts: string[]): Network[] {
  return texts.map((text) => parseNetwork(text) as Network);
}

/** The only IPv6 addresses of the public internet (RFC 4291, IANA): it leaves out `::127.0.0.1` and its like. */
const GLOBAL_UNICAST = networks('2000::/3');

/** Where clouds tell a machine its secrets; that of Azure (168.63.129.16) is a public address. */
const METADATA = networks(
  '169.254.169.254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
);

/** Ranges that an operator may allow: of a house's own network, or public with an unusual port. */
const ALLOWABLE = new Set(['unicast', 'private', 'uniqueLocal', 'carrierGradeNat']);

/** The last 64 bits of an ISATAP address (RFC 5214) hold an IPv4 address that the packet is sent to. */
function isTunnel(address: Address): boolean {
  if (address.kind() === 'ipv4') return false;
  const { parts } = address as { parts: number[] } & Address;
  return parts[5] === 0x5efe && ((parts[4] as number) & 0xfcff) === 0;
}

/** Whether nobody may ever be led to an address, whatever the settings say. */
function isNever(address: Address): boolean {
  return within(address, METADATA) || isTunnel(address);
}

/**
 * Whether an address is one of the public internet: neither loopback, private, link-local, shared, reserved or
 * multicast, nor one that is translated or tunnelled to an IPv4 address.
 */
export function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || isNever(address)) return false;
  return address.kind() === 'ipv4' || within(address, GLOBAL_UNICAST);
}

function isAllowable(address: Address): boolean {
  if (!ALLOWABLE.has(address.range()) || isNever(address)) return false;
  return address.range() !== 'unicast' || isPublic(address);
}

/** Every address of this machine's interfaces. */
function ownAddresses(): Network[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .flatMap(({ address }) => parseNetwork(address.split('%', 1)[0] as string) ?? []);
}

/**
 * The policy of the settings: public addresses on the listed ports, and what an account is allowed beside; never
 * loopback, link-local or a cloud's metadata, and never this service itself.
 * @param ownPorts the ports that this service listens on, once it does.
 * @param own addresses of this machine.
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

/** The address that a URL's host is, null for a name. @param host as `URL.hostname` gives it. */
export function literalAddress(host: string): Address | null {
  return parseAddress(host.startsWith('[') ? host.slice(1, -1) : host);
}
