/** Degraded images show where the templates of unusual faces lie. */
import type { DecodedImage } from '../native/pipeline.ts';

type Pixels = Pick<DecodedImage, 'width' | 'height' | 'pixels'>;

const GREY = 128;
const BLUR_RADIUS = 0.015;
const HEAVY_BLUR_RADIUS = 0.04;
const DARK = 0.12;
const TURN_DEGREES = 25;

export const DEGRADATIONS: readonly ((image: Pixels) => Pixels)[] = [
  blurred,
  heavilyBlurred,
  turned,
  turnedLeft,
  turnedRight,
  upsideDown,
  inverted,
  darkened,
];

/** With a grey border, a detector sees the whole of a tight crop. */
export function bordered({ width, height, pixels }: Pixels): Pixels {
  const result = new Uint8Array(3 * 2 * width * 2 * height).fill(GREY);
  const left = Math.floor(width / 2);
  const top = Math.floor(height / 2);
  for (let y = 0; y < height; y++) {
    result.set(pixels.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * 2 * width + left));
  }
  return { width: 2 * width, height: 2 * height, pixels: result };
}

function blurred(image: Pixels): Pixels {
  return filtered(image, BLUR_RADIUS);
}

function heavilyBlurred(image: Pixels): Pixels {
  return filtered(image, HEAVY_BLUR_RADIUS);
}

/** Approximates a Gaussian by three box filters per direction. */
function filtered(image: Pixels, share: number): Pixels {
  const radius = Math.max(1, Math.round(share * image.width));
  let { pixels } = image;
  for (let pass = 0; pass < 3; pass++) {
    pixels = boxFiltered(pixels, image.height, image.width, 3, radius);
    pixels = boxFiltered(pixels, image.width, image.height, 3 * image.width, radius);
  }
  return { ...image, pixels };
}

/** @param step bytes between the pixels of a line, whose ends repeat. */
function boxFiltered(
  pixels: Uint8Array,
  lines: number,
  length: number,
  step: number,
  radius: number,
): Uint8Array {
  const result = new Uint8Array(pixels.length);
  const lineStep = step === 3 ? 3 * length : 3;
  for (let line = 0; line < lines; line++) {
    for (let channel = 0; channel < 3; channel++) {
      const start = line * lineStep + channel;
      const at = (i: number) => pixels[start + step * Math.min(Math.max(i, 0), length - 1)] as number;
      let sum = 0;
      for (let i = -radius; i <= radius; i++) sum += at(i);
      for (let i = 0; i < length; i++) {
        result[start + step * i] = Math.round(sum / (2 * radius + 1));
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
  }
  return result;
}

function turned(image: Pixels): Pixels {
  const { width, height } = image;
  const result = new Uint8Array(image.pixels.length).fill(GREY);
  const cosine = Math.cos((TURN_DEGREES * Math.PI) / 180);
  const sine = Math.sin((TURN_DEGREES * Math.PI) / 180);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const fromX = Math.round(width / 2 + cosine * dx + sine * dy);
      const fromY = Math.round(height / 2 - sine * dx + cosine * dy);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const from = 3 * (fromY * width + fromX);
      result.set(image.pixels.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, pixels: result };
}

function turnedLeft({ width, height, pixels }: Pixels): Pixels {
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < height; x++) {
      const from = 3 * (x * width + width - 1 - y);
      result.set(pixels.subarray(from, from + 3), 3 * (y * height + x));
    }
  }
  return { width: height, height: width, pixels: result };
}

function turnedRight(image: Pixels): Pixels {
  return upsideDown(turnedLeft(image));
}

function upsideDown(image: Pixels): Pixels {
  const { width, height } = image;
  const result = new Uint8Array(image.pixels.length);
  for (let i = 0, last = width * height - 1; i <= last; i++) {
    result.set(image.pixels.subarray(3 * (last - i), 3 * (last - i) + 3), 3 * i);
  }
  return { width, height, pixels: result };
}

function inverted(image: Pixels): Pixels {
  return { ...image, pixels: image.pixels.map((value) => 255 - value) };
}

function darkened(image: Pixels): Pixels {
  return { ...image, pixels: image.pixels.map((value) => Math.round(DARK * value)) };
}

export function bmpFile({ width, height, pixels }: Pixels): Buffer {
  const stride = 4 * Math.ceil((3 * width) / 4);
  const headers = 54;
  const file = Buffer.alloc(headers + stride * height);
  file.write('BM', 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(headers, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    const row = headers + stride * (height - 1 - y);
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      file[row + 3 * x] = pixels[from + 2] as number;
      file[row + 3 * x + 1] = pixels[from + 1] as number;
      file[row + 3 * x + 2] = pixels[from] as number;
    }
  }
  return file;
}
