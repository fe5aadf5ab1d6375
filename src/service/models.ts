import type { Provider } from '../native/device.ts';
import { createExecutor, type Executor } from '../native/executor.ts';
import type { StateSources } from '../ops/state-metrics.ts';
import type { Store } from '../store/store.ts';
import { loadModels } from '../vision/load-models.ts';
import type { Recognizers } from '../vision/recognizer.ts';
import type { Boot } from './boot.ts';
import type { Undos } from './shutdown.ts';

const PLACES = {
  cpu: { provider: 'CPUExecutionProvider', device: 'cpu' },
  cuda: { provider: 'CUDAExecutionProvider', device: 'gpu' },
  tensorrt: { provider: 'TensorrtExecutionProvider', device: 'gpu' },
} as const;

export interface Models {
  readonly executor: Executor;
  readonly provider: Provider;
  readonly recognizers: Recognizers;
  readonly facts: StateSources['models'];
}

export async function openModels({ config, log, health }: Boot, store: Store, undos: Undos): Promise<Models> {
  const executor = createExecutor({ threads: config.threads, maxQueue: config.maxQueue });
  undos.add('executor', () => executor.close());
  const { provider, recognizers } = await loadModels(config, executor, log, store.collections.packs());
  health.device = provider;
  health.pass('modelsLoaded');
  const facts = recognizers.serving.map(({ packId: { pack, packVersion } }) => {
    return { pack, version: packVersion, ...PLACES[provider] };
  });
  return { executor, provider, recognizers, facts };
}
