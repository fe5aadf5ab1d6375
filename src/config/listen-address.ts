/** Where a server listens. */
export interface ListenAddress {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
}

/**
 * Splits `host:port`; an IPv6 address stands in brackets.
 * @returns null if the text is not of that form or the port is not 0..65535.
 */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const port = Number(match[3]);
  const host = match[1] ?? match[2];
  return host === undefined || port > 65535 ? null : { host, port };
}
