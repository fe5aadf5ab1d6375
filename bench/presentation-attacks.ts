/** Rendered attacks: a print held into a scene, a screen, a mask cut out of a print. */
import sharp from 'sharp';

export const PRESENTATIONS = [
  'live',
  'print',
  'print, close',
  'phone screen',
  'monitor, close',
  'cut-out',
] as const;
export type Presentation = (typeof PRESENTATIONS)[number];

export interface Portrait {
  readonly image: Uint8Array;
  readonly face: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly eyes: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 560;
const HEIGHT = 420;
const SAMPLES = 3;
const FACE_PIXELS = [90, 160] as const;
const CLOSE_FACE_PIXELS = [190, 240] as const;
const SHADOW = 8;

type Colour = readonly [red: number, green: number, blue: number];
type Light = [red: number, green: number, blue: number];
/** @returns false outside the sheet. */
type Surface = (u: number, v: number, out: Light) => boolean;

class Photograph {
  readonly width: number;
  readonly height: number;
  readonly #light: Float32Array;

  static async read(image: Uint8Array): Promise<Photograph> {
    const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return new Photograph(data, info.width, info.height);
  }

  private constructor(pixels: Uint8Array, width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#light = Float32Array.from(pixels, (value) => toLinear(value / 255));
  }

  /** @param x, y shares of width and height; beyond 0..1 the photograph is mirrored at its edge. */
  at(x: number, y: number, out: Light): void {
    const px = Math.min(this.width - 1.001, Math.max(0, mirrored(x) * this.width - 0.5));
    const py = Math.min(this.height - 1.001, Math.max(0, mirrored(y) * this.height - 0.5));
    const [left, top] = [Math.floor(px), Math.floor(py)];
    const [right, lower] = [px - left, py - top];
    const first = (top * this.width + left) * 3;
    const below = first + this.width * 3;
    for (let c = 0; c < 3; c++) {
      const upper = (this.#light[first + c] ?? 0) * (1 - right) + (this.#light[first + 3 + c] ?? 0) * right;
      const under = (this.#light[below + c] ?? 0) * (1 - right) + (this.#light[below + 3 + c] ?? 0) * right;
      out[c] = upper * (1 - lower) + under * lower;
    }
  }
}

class Sheet {
  readonly #inverse: readonly number[];
  u = 0;
  v = 0;

  /**
   * @param turn radians.
   * @param centre of the sheet in the image.
   */
  constructor(
    turn: { yaw: number; pitch: number; roll: number },
    scale: number,
    centre: { x: number; y: number },
  ) {
    const [cy, sy] = [Math.cos(turn.yaw), Math.sin(turn.yaw)];
    const [cp, sp] = [Math.cos(turn.pitch), Math.sin(turn.pitch)];
    const [cr, sr] = [Math.cos(turn.roll), Math.sin(turn.roll)];
    const focal = 1.2 * WIDTH;
    const distance = focal / scale;
    const r1 = [cr * cy - sr * sp * sy, sr * cy + cr * sp * sy, -cp * sy];
    const r2 = [-sr * cp, cr * cp, sp];
    const column = ([x = 0, y = 0, z = 0]: number[]) => [
      focal * x + centre.x * z,
      focal * y + centre.y * z,
      z,
    ];
    const [a, b, t] = [column(r1), column(r2), [centre.x * distance, centre.y * distance, distance]];
    this.#inverse = inverse([a, b, t]);
  }

  look(x: number, y: number): void {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = this.#inverse;
    const depth = g * x + h * y + i;
    this.u = (a * x + b * y + c) / depth;
    this.v = (d * x + e * y + f) / depth;
  }
}

function inverse(columns: readonly (readonly number[])[]): number[] {
  const [[a = 0, d = 0, g = 0] = [], [b = 0, e = 0, h = 0] = [], [c = 0, f = 0, i = 0] = []] = columns;
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return adjugate.flat().map((value) => value / determinant);
}

export async function present(
  kind: Presentation,
  portrait: Portrait,
  scene: Uint8Array,
  seed: number,
): Promise<Buffer> {
  const random = generator(seed);
  const between = (least: number, most: number) => least + (most - least) * random();
  const photograph = await Photograph.read(portrait.image);
  const behind = await Photograph.read(
    await sharp(scene).resize(WIDTH, HEIGHT, { fit: 'cover' }).blur(6).png().toBuffer(),
  );
  const close = kind.endsWith('close');
  const size = sheetSize(kind, photograph, between);
  const [least, most] = close ? CLOSE_FACE_PIXELS : FACE_PIXELS;
  const facePixels = between(least, most);
  const scale = facePixels / (portrait.face.width * size.picture.width);
  const { face } = portrait;
  const roll = kind === 'live' ? 0 : between(-0.12, 0.12);
  const turn =
    kind === 'live'
      ? { yaw: 0, pitch: 0, roll }
      : { yaw: between(-0.25, 0.25), pitch: between(-0.2, 0.2), roll };
  const centre = {
    x: WIDTH / 2 + between(-40, 40) - (face.x - 0.5) * size.picture.width * scale,
    y: HEIGHT / 2 + between(-20, 20) - (face.y - 0.5) * size.picture.height * scale,
  };
  const sheet = new Sheet(turn, scale, centre);
  const surface = surfaceOf(kind, photograph, portrait, size, between, random);
  const shadow = close || kind === 'live' ? 0 : between(0.3, 0.6);
  const light = { x: between(-0.3, 0.3), y: between(-0.3, 0.3), level: between(0.85, 1.05) };
  const room: Colour = [between(0.6, 1), between(0.6, 1), between(0.6, 1)];
  const shines = kind === 'live' || kind === 'phone screen' || kind === 'monitor, close';

  const exposed = new Float32Array(WIDTH * HEIGHT * 3);
  const seen: Light = [0, 0, 0];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = (y * WIDTH + x) * 3;
      const lit = light.level * (1 + light.x * (x / WIDTH - 0.5) + light.y * (y / HEIGHT - 0.5));
      let missed = 0;
      for (let s = 0; s < SAMPLES * SAMPLES; s++) {
        sheet.look(x + ((s % SAMPLES) + 0.5) / SAMPLES, y + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES);
        if (!surface(sheet.u, sheet.v, seen)) missed++;
        else for (let c = 0; c < 3; c++) exposed[at + c] = (exposed[at + c] ?? 0) + (seen[c] ?? 0);
      }
      sheet.look(x - SHADOW, y - SHADOW);
      const dark = missed > 0 && surface(sheet.u, sheet.v, seen) ? 1 - shadow : 1;
      if (missed > 0) behind.at(x / WIDTH, y / HEIGHT, seen);
      for (let c = 0; c < 3; c++) {
        const sheetLight = (exposed[at + c] ?? 0) * (shines ? 1 : lit);
        const roomLight = missed * (seen[c] ?? 0) * (room[c] ?? 0) * lit * dark;
        exposed[at + c] = (sheetLight + (missed > 0 ? roomLight : 0)) / (SAMPLES * SAMPLES);
      }
    }
  }
  return develop(exposed, between, random);
}

interface Size {
  readonly picture: { readonly width: number; readonly height: number };
  readonly border: number;
}

function sheetSize(
  kind: Presentation,
  { width, height }: Photograph,
  between: (least: number, most: number) => number,
): Size {
  const across =
    { 'phone screen': 65, 'monitor, close': 420, live: 500, 'print, close': 280 }[kind as string] ?? 150;
  const border = { print: between(6, 14), 'phone screen': between(3, 6), 'cut-out': 0 }[kind as string] ?? 40;
  return { picture: { width: across, height: (across * height) / width }, border };
}

function surfaceOf(
  kind: Presentation,
  photograph: Photograph,
  portrait: Portrait,
  size: Size,
  between: (least: number, most: number) => number,
  random: () => number,
): Surface {
  const { width, height } = size.picture;
  const at = (u: number, v: number): readonly [number, number] => [u / width + 0.5, v / height + 0.5];
  if (kind === 'live') {
    return (u, v, out) => {
      const [x, y] = at(u, v);
      photograph.at(x, y, out);
      return true;
    };
  }
  if (kind === 'phone screen' || kind === 'monitor, close') {
    const pitch = kind === 'phone screen' ? between(0.06, 0.1) : between(0.24, 0.28);
    return onScreen(photograph, size, pitch, between);
  }
  const printed = onPaper(photograph, size, Math.floor(random() * 2 ** 31), between);
  if (kind !== 'cut-out') return printed;
  const { face, eyes } = portrait;
  const eye = 0.16 * face.width;
  return (u, v, out) => {
    const [x, y] = at(u, v);
    const inFace = Math.hypot((x - face.x) / (0.5 * face.width), (y - face.y) / (0.56 * face.height)) < 1;
    const inEye = eyes.some(
      ([ex, ey]) => Math.hypot((x - ex) / eye, ((y - ey) * height) / width / (0.45 * eye)) < 1,
    );
    return inFace && !inEye && printed(u, v, out);
  };
}

function onPaper(
  photograph: Photograph,
  { picture: { width, height }, border }: Size,
  grain: number,
  between: (least: number, most: number) => number,
): Surface {
  const cell = between(0.08, 0.14);
  const paper: Colour = [between(0.84, 0.92), between(0.84, 0.92), between(0.82, 0.92)];
  const ink = between(0.03, 0.07);
  const gloss = { u: between(-0.5, 0.5) * width, v: between(-0.5, 0.5) * height, level: between(0, 0.12) };
  return (u, v, out) => {
    const [x, y] = [u / width + 0.5, v / height + 0.5];
    const [bx, by] = [border / width, border / height];
    if (x < -bx || y < -by || x > 1 + bx || y > 1 + by) return false;
    const [i, j] = [Math.floor(u / cell), Math.floor(v / cell)];
    const fibre = 1 + 0.04 * (hash(Math.floor(u / 0.4), Math.floor(v / 0.4), grain) - 0.5);
    const shine = gloss.level * Math.exp(-((u - gloss.u) ** 2 + (v - gloss.v) ** 2) / (0.1 * width * width));
    if (x < 0 || y < 0 || x > 1 || y > 1) out.fill(1);
    else photograph.at(x, y, out);
    for (let c = 0; c < 3; c++) {
      const share = Math.min(1, (out[c] ?? 0) * 1.05);
      const isBare = hash(i + 7919 * c, j, grain) < share;
      const dyed = 0.5 * (isBare ? 1 : 0) + 0.5 * share;
      out[c] = (paper[c] ?? 0) * fibre * (ink + (1 - ink) * dyed) + shine;
    }
    return true;
  };
}

function onScreen(
  photograph: Photograph,
  { picture: { width, height }, border }: Size,
  pitch: number,
  between: (least: number, most: number) => number,
): Surface {
  const tint: Colour = [between(0.8, 0.95), between(0.95, 1), between(1.05, 1.2)];
  const black = between(0.005, 0.03);
  const glare = {
    u: between(-0.6, 0.6) * width,
    v: between(-0.6, 0.6) * height,
    level: between(0, 0.35),
    size: between(0.05, 0.3) * width,
  };
  return (u, v, out) => {
    const [x, y] = [u / width + 0.5, v / height + 0.5];
    const [bx, by] = [border / width, (2 * border) / height];
    if (x < -bx || y < -by || x > 1 + bx || y > 1 + by) return false;
    const shine = glare.level * Math.exp(-((u - glare.u) ** 2 + (v - glare.v) ** 2) / glare.size ** 2);
    if (x < 0 || y < 0 || x > 1 || y > 1) {
      out.fill(0.012 + shine);
      return true;
    }
    const [i, j] = [Math.floor(u / pitch), Math.floor(v / pitch)];
    photograph.at(((i + 0.5) * pitch) / width + 0.5, ((j + 0.5) * pitch) / height + 0.5, out);
    const row = v / pitch - j < 0.88 ? 1 / 0.88 : 0;
    const stripe = Math.min(2, Math.floor((u / pitch - i) * 3));
    for (let c = 0; c < 3; c++) {
      out[c] = black + shine + (tint[c] ?? 0) * (out[c] ?? 0) * row * (stripe === c ? 2.2 : 0.4);
    }
    return true;
  };
}

async function develop(
  exposed: Float32Array,
  between: (least: number, most: number) => number,
  random: () => number,
): Promise<Buffer> {
  const exposure = between(0.9, 1.1);
  const pixels = Uint8Array.from(exposed, (value) => {
    const light = value * exposure;
    const noise = (random() + random() + random() - 1.5) * (0.004 + 0.02 * Math.sqrt(Math.max(light, 0)));
    return Math.round(255 * toGamma(Math.min(1, Math.max(0, light + noise))));
  });
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .blur(between(0.4, 0.8))
    .jpeg({ quality: Math.round(between(85, 95)) })
    .toBuffer();
}

function mirrored(share: number): number {
  const folded = Math.abs(share) % 2;
  return folded > 1 ? 2 - folded : folded;
}

/** sRGB (IEC 61966-2-1), 0..1. */
function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function toGamma(value: number): number {
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}

/** A number 0..1, equal for equal cells. */
function hash(x: number, y: number, seed: number): number {
  let mixed = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

function generator(seed: number): () => number {
  let next = 0;
  return () => hash(next++, 0x51ed27, seed);
}
