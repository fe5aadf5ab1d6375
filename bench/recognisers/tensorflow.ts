/** `@vladmandic/face-api` and `@vladmandic/human` on TensorFlow.js, compiled to WebAssembly; sharp decodes for both. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { packageFolder } from '../peer-packages.ts';
import type { Recogniser } from './recogniser.ts';

interface Tensorflow {
  setBackend(name: 'wasm'): Promise<boolean>;
  ready(): Promise<void>;
  tensor3d(data: Uint8Array, shape: [number, number, number], type: 'int32'): Tensor;
}
interface Tensor {
  dispose(): void;
}
interface FaceApi {
  readonly nets: Record<
    'tinyFaceDetector' | 'faceLandmark68Net' | 'faceRecognitionNet',
    { loadFromDisk(folder: string): Promise<void> }
  >;
  readonly TinyFaceDetectorOptions: new (options: { inputSize: number }) => object;
  detectSingleFace(
    input: Tensor,
    options: object,
  ): { withFaceLandmarks(): { withFaceDescriptor(): Promise<{ descriptor: Float32Array } | undefined> } };
}
interface Human {
  readonly tf: Tensorflow;
  load(): Promise<void>;
  detect(input: Tensor): Promise<{ readonly face: readonly { readonly embedding?: number[] }[] }>;
}

export async function faceApi(require: NodeJS.Require): Promise<Recogniser> {
  const tf = require('@tensorflow/tfjs') as Tensorflow;
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void };
  wasm.setWasmPaths(wasmFolder(require));
  const folder = packageFolder(require, '@vladmandic/face-api');
  const faceapi = require(join(folder, 'dist/face-api.node-wasm.js')) as FaceApi;
  await tf.setBackend('wasm');
  await tf.ready();
  const models = join(folder, 'model');
  await faceapi.nets.tinyFaceDetector.loadFromDisk(models);
  await faceapi.nets.faceLandmark68Net.loadFromDisk(models);
  await faceapi.nets.faceRecognitionNet.loadFromDisk(models);
  const options = new faceapi.TinyFaceDetectorOptions({ inputSize: 416 });
  return async (jpeg) => {
    const tensor = await decoded(tf, jpeg);
    try {
      const face = await faceapi.detectSingleFace(tensor, options).withFaceLandmarks().withFaceDescriptor();
      return face?.descriptor ?? null;
    } finally {
      tensor.dispose();
    }
  };
}

export async function human(require: NodeJS.Require): Promise<Recogniser> {
  const folder = packageFolder(require, '@vladmandic/human');
  const { Human } = require(join(folder, 'dist/human.node-wasm.js')) as {
    readonly Human: new (options: object) => Human;
  };
  const off = { enabled: false };
  const instance = new Human({
    backend: 'wasm',
    wasmPath: wasmFolder(require),
    modelBasePath: `file://${join(folder, 'models')}/`,
    debug: false,
    cacheSensitivity: 0,
    softwareKernels: true,
    filter: off,
    body: off,
    hand: off,
    object: off,
    gesture: off,
    segmentation: off,
    face: {
      enabled: true,
      detector: { rotation: true, maxDetected: 1 },
      mesh: { enabled: true },
      iris: off,
      emotion: off,
      antispoof: off,
      liveness: off,
      description: { enabled: true },
    },
  });
  await withFilesFetched(() => instance.load());
  return async (jpeg) => {
    const tensor = await decoded(instance.tf, jpeg);
    try {
      return (await instance.detect(tensor)).face[0]?.embedding ?? null;
    } finally {
      tensor.dispose();
    }
  };
}

async function withFilesFetched(work: () => Promise<void>): Promise<void> {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const address = String(input);
    return address.startsWith('file:') ? new Response(await readFile(new URL(address))) : fetch(input, init);
  };
  try {
    await work();
  } finally {
    globalThis.fetch = fetch;
  }
}

async function decoded(tf: Tensorflow, jpeg: Buffer): Promise<Tensor> {
  const { data, info } = await sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return tf.tensor3d(data, [info.height, info.width, 3], 'int32');
}

function wasmFolder(require: NodeJS.Require): string {
  return `${join(packageFolder(require, '@tensorflow/tfjs-backend-wasm'), 'dist')}/`;
}
