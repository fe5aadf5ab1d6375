import type { Config } from '../config/config.ts';
import { VisageError } from '../errors.ts';
import type { ServiceFacts } from '../http/admin.ts';
import { type AdminCall, ifRunning } from './admin-access.ts';

export interface ServiceState {
  readonly service: 'ready' | 'starting' | 'stopped';
  readonly device: string | null;
  readonly shortfall: string | null;
  /** Null unless ready, or from an older service. */
  readonly facts: ServiceFacts | null;
}

async function factsFrom(call: AdminCall): Promise<ServiceFacts | null> {
  try {
    return (await call('GET', '/facts')) as ServiceFacts;
  } catch (error) {
    if (error instanceof VisageError) return null;
    throw error;
  }
}

/** @throws ExitError if the service does not answer. */
export async function serviceState(config: Config): Promise<ServiceState> {
  const state = await ifRunning<ServiceState>(config, async (call) => {
    try {
      const { device } = (await call('GET', '/readyz')) as { device: string };
      return { service: 'ready', device, shortfall: null, facts: await factsFrom(call) };
    } catch (error) {
      if (!(error instanceof VisageError) || error.code !== 'NOT_READY') throw error;
      return { service: 'starting', device: null, shortfall: error.message, facts: null };
    }
  });
  return state ?? { service: 'stopped', device: null, shortfall: null, facts: null };
}
