import { setFlagsFromString } from 'node:v8';
import { answerTo } from './ops/command-line.ts';
import { createApplication } from './service/application.ts';
import { boot, checkAfterCrash, openData } from './service/boot.ts';
import { openIndexes } from './service/indexes.ts';
import { NetworkListeners } from './service/listen.ts';
import { openModels } from './service/models.ts';
import { serve } from './service/serve.ts';
import { endFailedStart, Undos } from './service/shutdown.ts';

// A parallel scavenge would wait for its threads while the executor uses all cores.
setFlagsFromString('--no-parallel-scavenge');
// Dead old objects would keep young ones alive: scavenges of 20 ms instead of 5.
setFlagsFromString('--no-allocation-site-pretenuring');

async function start(undos: Undos): Promise<void> {
  const booted = await boot(process.env, undos);
  const listeners = new NetworkListeners(booted, undos);
  await listeners.openEarly();
  await checkAfterCrash(booted);
  const data = openData(booted, undos);
  const models = await openModels(booted, data.store, undos);
  const indexes = await openIndexes(booted, data.store, models, undos);
  const stages = { boot: booted, listeners, data, models, indexes };
  await serve(stages, await createApplication(stages, undos), undos);
}

const undos = new Undos();
try {
  const answer = answerTo(process.argv.slice(2));
  if (answer === null) await start(undos);
  else process.stdout.write(answer);
} catch (error) {
  await endFailedStart(error, undos);
}
