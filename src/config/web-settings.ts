/** Settings of what the service has to do with the web: browsers that call it, and pictures that it fetches. */
import type { Network } from './networks.ts';
import { parseNetwork } from './networks.ts';

/** Where an account may fetch from beside the public internet, such as a camera. */
export interface ImageUrlPermission {
  readonly accountId: string;
  readonly network: Network;
  readonly port: number;
}

export interface WebConfig {
  /** Origin of the dashboard where it is not this service's own; null without one. */
  readonly dashboardOrigin: string | null;
  /** Origins whose pages may call the recognition endpoints. */
  readonly allowedOrigins: readonly string[];
  /** Fetching pictures by URL. */
  readonly imageUrl: {
    readonly enabled: boolean;
    /** Ports of public addresses. */
    readonly ports: readonly number[];
    readonly allow: readonly ImageUrlPermission[];
  };
}

/**
 * Whether a text is an origin exactly as a browser sends it: scheme and host in small letters, a port only where it
 * is not the scheme's own, nothing behind.
 */
export function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

const ORIGIN = { type: 'string', format: 'origin' } as const;
const PORT = { type: 'integer', minimum: 1, maximum: 65535 } as const;

/** Properties of the settings' schema. */
export const WEB_SETTINGS = {
  dashboard_origin: {
    ...ORIGIN,
    description: 'an origin as browsers send it, such as "https://faces.example.com"',
  },
  allowed_origins: {
    type: 'array',
    items: ORIGIN,
    description: 'a list of origins as browsers send them, such as ["https://app.example.com"]',
  },
  image_url: {
    type: 'object',
    additionalProperties: false,
    properties: {
      enabled: { type: 'boolean' },
      ports: { type: 'array', items: PORT },
      allow: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['account', 'network', 'port'],
          properties: {
            account: { type: 'string', minLength: 1 },
            network: { type: 'string', format: 'network' },
            port: PORT,
          },
        },
      },
    },
    description:
      'a table of enabled (true or false), ports (a list) and [[image_url.allow]] with account, network and port',
  },
} as const;

/** What the schema makes sure of. */
export interface WebValues {
  readonly dashboard_origin: string | null;
  readonly allowed_origins: readonly string[];
  readonly image_url: {
    readonly enabled?: boolean;
    readonly ports?: readonly number[];
    readonly allow?: readonly { account: string; network: string; port: number }[];
  };
}

export const WEB_DEFAULTS: WebValues = { dashboard_origin: null, allowed_origins: [], image_url: {} };

export function webConfigOf({ dashboard_origin, allowed_origins, image_url }: WebValues): WebConfig {
  const { enabled = false, ports = [80, 443], allow = [] } = image_url;
  return {
    dashboardOrigin: dashboard_origin,
    allowedOrigins: allowed_origins,
    imageUrl: {
      enabled,
      ports,
      allow: allow.map(({ account, network, port }) => ({
        accountId: account,
        network: parseNetwork(network) as Network,
        port,
      })),
    },
  };
}
